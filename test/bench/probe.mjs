import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/**
 * Small good requests, one every few milliseconds, beside whatever else happens to a collector. `between(from, to)` gives the answer times in ms
 * and the statuses of those sent in that span of `Date.now()`; `stop` ends the probe.
 */
export function startProbe(url, everyMs = 5) {
  const child = spawn(process.execPath, [fileURLToPath(new URL("probe-child.mjs", import.meta.url)), url, String(everyMs)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = new Promise((resolve) => child.once("close", resolve));
  const answers = [];
  let rest = "";
  child.stdout.on("data", (chunk) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop();
    for (const line of lines) answers.push(JSON.parse(line));
  });
  return {
    between: (from, to) => {
      const sent = answers.filter(([at]) => at >= from && at < to);
      return { answerMs: sent.map(([, took]) => took), statuses: sent.map(([, , status]) => status) };
    },
    stop: async () => {
      child.stdin.end();
      await ended;
    },
  };
}
