// What the scripts share: where the server is, how long to go on, and how they end.
export const [host, port, seconds] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const until = Date.now() + 1000 * seconds;

export const goesOn = () => Date.now() < until;
export const connection = () => ({ host, port, maxRetriesPerRequest: null });

export function check(holds, text) {
  if (holds) return;
  console.error(`FAILED: ${text}`);
  process.exit(1);
}

export function finish(text) {
  console.log(text);
  process.exit(0);
}

process.on("unhandledRejection", (error) => check(false, `unhandled: ${error?.stack ?? error}`));
