// A lock around a read and a write: nobody overwrites another's count.
import { Redis } from "ioredis";
import Redlock from "redlock";
import { check, connection, finish, goesOn } from "./common.mjs";

const redis = new Redis(connection());
let counted = 0;
async function contends() {
  const client = new Redis(connection());
  const locks = new Redlock([client], { retryCount: 2000, retryDelay: 5, retryJitter: 5 });
  while (goesOn()) {
    const lock = await locks.lock("lock:counter", 5000);
    const n = Number((await client.get("counter")) ?? 0);
    await client.set("counter", n + 1);
    counted++;
    await lock.unlock();
  }
}
await Promise.all([1, 2, 3, 4].map(contends));
const value = Number(await redis.get("counter"));
check(value === counted, `counter is ${value}, ${counted} held the lock`);
check((await redis.exists("lock:counter")) === 0, "the lock is released");
finish(`${counted} times locked`);
