// Points in a window: exactly as many calls pass as there are points, from several processes' clients.
import { Redis } from "ioredis";
import { RateLimiterRedis } from "rate-limiter-flexible";
import { check, connection, finish, goesOn } from "./common.mjs";

const limiters = [1, 2, 3].map(() => new RateLimiterRedis({ storeClient: new Redis(connection()), points: 50, duration: 60, keyPrefix: "limit" }));
let users = 0;
while (goesOn()) {
  const user = `user${++users}`;
  const calls = Array.from({ length: 120 }, (_, i) =>
    limiters[i % 3].consume(user).then(() => "passed", (refusal) => {
      check(!(refusal instanceof Error), `not a refusal: ${refusal}`);
      return "refused";
    }));
  const passed = (await Promise.all(calls)).filter((outcome) => outcome === "passed").length;
  check(passed === 50, `${passed} of 50 points were given to ${user}`);
  const left = await limiters[0].get(user);
  check(left.remainingPoints === 0 && left.msBeforeNext > 0, `left: ${JSON.stringify(left)}`);
}
finish(`${users} users limited`);
