import { Redis } from "ioredis";
import { check, connection, finish, goesOn } from "./common.mjs";

const redis = new Redis(connection());
const trouble = [];
const watched = (client) => client.on("error", (error) => trouble.push(error.message));
watched(redis);
redis.defineCommand("raise", {
  numberOfKeys: 1,
  lua: "local n = redis.call('incrby', KEYS[1], ARGV[1]) redis.call('rpush', KEYS[1] .. ':log', n) return n",
});

const subscriber = watched(new Redis(connection()));
const heard = [];
await subscriber.subscribe("news");
subscriber.on("message", (_, text) => heard.push(text));

const popper = watched(new Redis(connection()));
const popped = [];
const popping = (async () => {
  for (;;) {
    const [, item] = await popper.brpop("list", 0);
    if (item === "end") return;
    popped.push(item);
  }
})();

await redis.xgroup("CREATE", "stream", "group", "$", "MKSTREAM");
const reader = watched(new Redis(connection()));
const read = [];
const reading = (async () => {
  for (;;) {
    const reply = await reader.xreadgroup("GROUP", "group", "me", "COUNT", 10, "BLOCK", 5000, "STREAMS", "stream", ">");
    for (const [id, [, value]] of reply?.[0][1] ?? []) {
      await reader.xack("stream", "group", id);
      if (value === "end") return;
      read.push(value);
    }
  }
})();

let rounds = 0;
let sum = 0;
while (goesOn()) {
  rounds++;
  const [[, set], [, got], [, count]] = await redis.pipeline().set("key", `v${rounds}`).get("key").incr("count").exec();
  check(set === "OK" && got === `v${rounds}` && count === rounds, `pipeline: ${set} ${got} ${count} in round ${rounds}`);
  const [[, a], [, b]] = await redis.multi().incr("a").incr("b").exec();
  check(a === rounds && b === rounds, `transaction: ${a} ${b} in round ${rounds}`);
  sum += rounds;
  check((await redis.raise("sum", rounds)) === sum, `script: not ${sum}`);
  await redis.lpush("list", `item${rounds}`);
  await redis.xadd("stream", "*", "value", `entry${rounds}`);
  await redis.publish("news", `news${rounds}`);
  await redis.hset("hash", `field${rounds}`, rounds);
}
await redis.lpush("list", "end");
await redis.xadd("stream", "*", "value", "end");
await Promise.all([popping, reading]);
const expected = (name) => Array.from({ length: rounds }, (_, i) => `${name}${i + 1}`).join();
check(popped.join() === expected("item"), `${popped.length} items of ${rounds} popped, or out of order`);
check(read.join() === expected("entry"), `${read.length} entries of ${rounds} read, or out of order`);
check(heard.join() === expected("news"), `${heard.length} messages of ${rounds} heard, or out of order`);
const fields = new Set();
for await (const batch of redis.hscanStream("hash", { count: 50 })) for (let i = 0; i < batch.length; i += 2) fields.add(batch[i]);
check(fields.size === rounds, `${fields.size} fields of ${rounds} scanned`);
check((await redis.llen("sum:log")) === rounds, "each script ran once");
check(trouble.length === 0, trouble.join("; "));
finish(`${rounds} rounds`);
