// Jobs of every kind: plain, delayed, retried, prioritised, and a flow of children and a parent.
import { Queue, Worker, QueueEvents, FlowProducer } from "bullmq";
import { check, connection, finish } from "./common.mjs";

const JOBS = 200;
const prefix = "eco";
const queue = new Queue("work", { connection: connection(), prefix });
const events = new QueueEvents("work", { connection: connection(), prefix });
await Promise.all([queue.waitUntilReady(), events.waitUntilReady()]);

const runs = new Map();
const worker = new Worker(
  "work",
  async (job) => {
    const n = (runs.get(job.id) ?? 0) + 1;
    runs.set(job.id, n);
    await new Promise((resolve) => setTimeout(resolve, 10));
    if (job.data.failOnce && job.attemptsMade === 0) throw new Error("the first attempt fails");
    return job.data.value * 2;
  },
  { connection: connection(), prefix, concurrency: 5 },
);
const trouble = [];
worker.on("error", (error) => trouble.push(`worker: ${error.message}`));
queue.on("error", (error) => trouble.push(`queue: ${error.message}`));

const jobs = [];
for (let value = 0; value < JOBS; value++) {
  const kinds = [{}, { delay: 300 }, { attempts: 3, backoff: { type: "fixed", delay: 100 } }, { priority: 1 + (value % 5) }];
  const data = { value, failOnce: value % 4 === 2 };
  jobs.push(await queue.add("double", data, kinds[value % 4]));
  await new Promise((resolve) => setTimeout(resolve, 10));
}
const results = await Promise.all(jobs.map((job) => job.waitUntilFinished(events, 30000)));
results.forEach((result, value) => check(result === 2 * value, `job ${value} gave ${result}`));
for (let value = 0; value < JOBS; value++) {
  const wanted = value % 4 === 2 ? 2 : 1;
  check(runs.get(jobs[value].id) === wanted, `job ${value} ran ${runs.get(jobs[value].id)} times, not ${wanted}`);
}

const flow = new FlowProducer({ connection: connection(), prefix });
const tree = await flow.add({
  name: "parent", queueName: "work", data: { value: 21 },
  children: [1, 2, 3].map((value) => ({ name: "child", queueName: "work", data: { value } })),
});
check((await tree.job.waitUntilFinished(events, 30000)) === 42, "the parent of the flow ran");
const children = await tree.job.getChildrenValues();
check(Object.values(children).sort().join() === "2,4,6", `the children gave ${Object.values(children)}`);

const counts = await queue.getJobCounts();
check(counts.completed === JOBS + 4, `completed: ${counts.completed}`);
check(counts.waiting + counts.active + counts.delayed + counts.failed === 0, `left: ${JSON.stringify(counts)}`);
check(trouble.length === 0, trouble.join("; "));
await Promise.all([worker.close(), queue.close(), events.close(), flow.close()]);
finish(`${JOBS + 4} jobs`);
