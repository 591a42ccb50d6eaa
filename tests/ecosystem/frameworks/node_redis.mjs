import { createClient, WatchError } from "redis";
import { check, finish, goesOn, host, port } from "./common.mjs";

const trouble = [];
async function open() {
  const client = createClient({ socket: { host, port } });
  client.on("error", (error) => trouble.push(error.message));
  return client.connect();
}

const client = await open();
const subscriber = await open();
const heard = [];
await subscriber.pSubscribe("chan*", (text) => heard.push(text));

// Several writers count by WATCH, GET, MULTI, SET: no increment may be lost.
let counted = 0;
let conflicts = 0;
async function counts(own) {
  while (goesOn()) {
    try {
      await own.watch("counter");
      const n = Number((await own.get("counter")) ?? 0);
      await own.multi().set("counter", n + 1).exec();
      counted++;
    } catch (error) {
      if (!(error instanceof WatchError)) throw error;
      conflicts++;
    }
  }
}
const writers = await Promise.all([open(), open(), open()]);
const counting = Promise.all(writers.map(counts));

const popper = await open();
const popped = [];
const popping = (async () => {
  for (;;) {
    const { element } = await popper.blPop("jobs", 0);
    if (element === "end") return;
    popped.push(element);
  }
})();

let rounds = 0;
while (goesOn()) {
  rounds++;
  const [length, , member] = await Promise.all([
    client.rPush("jobs", `job${rounds}`), client.publish("channel", `m${rounds}`), client.zAdd("board", { score: rounds, value: `p${rounds}` }),
  ]);
  check(length >= 1 && member === 1, `round ${rounds}: ${length} ${member}`);
}
await client.rPush("jobs", "end");
await Promise.all([counting, popping]);
check(Number(await client.get("counter")) === counted, `counter is ${await client.get("counter")}, ${counted} were acknowledged`);
check(popped.length === rounds && popped.every((job, i) => job === `job${i + 1}`), `${popped.length} of ${rounds} popped, or out of order`);
check(heard.length === rounds && heard.every((text, i) => text === `m${i + 1}`), `${heard.length} of ${rounds} heard, or out of order`);
let scanned = 0;
for await (const found of client.zScanIterator("board")) scanned += Array.isArray(found) ? found.length : 1;
check(scanned >= rounds, `${scanned} members of ${rounds} scanned`);
check(trouble.length === 0, trouble.join("; "));
finish(`${rounds} rounds, ${counted} counted, ${conflicts} conflicts`);
