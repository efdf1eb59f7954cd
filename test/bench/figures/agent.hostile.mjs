/**
 * What an agent notices of spans and log records that are made to break a processor. A process gives them to our processors, hook by hook and with
 * nothing around that would catch, between good spans of the real SDK; it flushes every 256 and ends when it is done, without being told to. Another
 * makes the same objects and gives them to nobody: what the objects themselves take is not ours. The store says which good ones arrived.
 */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { builtFile, cleanEnvironment, readStored } from "../stored-spans.mjs";

export const name = "agent.hostile";
export const unit = "of them";
export const target = { op: "==", value: 0 };

const CHILD = fileURLToPath(new URL("../hostile-child.mjs", import.meta.url));
const CHILD_TIMEOUT_MS = 240_000;
const PEER = "the same objects, given to nobody";

export async function run({ quick, seed }) {
  builtFile("src/index.js");
  const items = quick ? 5_000 : 100_000;
  const folder = await mkdtemp(join(tmpdir(), "agentlearn-hostile-"));
  try {
    const none = await runChild({ variant: "none", items, seed }, folder);
    const ours = await runChild({ variant: "ours", items, seed }, folder);
    return rowsOf({ items, none, ours, stored: await readStored(join(folder, "ours.db")) });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function rowsOf({ items, none, ours, stored }) {
  const { exceptions, rejections, example, hooks, worstHookMs, good } = ours;
  const texts = new Map(
    stored.spans.map(({ traceId, spanId, attributes }) => [`${traceId}/${spanId}`, attributes["gen_ai.input.messages"]]),
  );
  const bodies = new Map(stored.logs.map(({ traceId, spanId, body }) => [`${traceId}/${spanId}`, body?.text]));
  const lost = (found) => good.filter(({ traceId, spanId, text }) => found.get(`${traceId}/${spanId}`) !== text).length;
  const context = { target: null };
  return [
    {
      value: exceptions + rejections,
      n: items,
      spread: ruleOfThree(items),
      note: `exceptions out of ${hooks.toLocaleString("en-US")} calls of hooks, and unhandled rejections${example === undefined ? "" : `; first: ${example}`}`,
    },
    { part: "output", unit: "bytes", value: ours.output.length, n: items, note: `on stdout and stderr${quoted(ours.output)}` },
    {
      part: "lost",
      unit: "spans and logs",
      value: lost(texts) + lost(bodies),
      n: 2 * good.length,
      spread: ruleOfThree(2 * good.length),
      note: "good ones between them that are not in the store as they were sent",
    },
    {
      part: "exit",
      unit: "ms",
      target: { op: "<=", value: 2_000 },
      value: ours.exitMs,
      n: 1,
      peer: PEER,
      peerValue: `${Math.round(none.exitMs)} ms`,
      note: "from shutdown to the end of the process, which nobody asked for",
    },
    {
      part: "memory",
      unit: "MiB",
      target: { op: "<=", value: 128 },
      value: ours.addedMebibytes - none.addedMebibytes,
      n: items,
      peer: PEER,
      peerValue: `${Math.round(none.addedMebibytes)} MiB`,
      note: `most resident memory above the start (${Math.round(ours.startMebibytes)} MiB, mostly the hostile values): ours ${Math.round(ours.addedMebibytes)} MiB; the queue's bound is 16 MiB`,
    },
    {
      part: "worst-hook",
      unit: "ms",
      ...context,
      value: worstHookMs,
      n: hooks,
      note: "longest call; a million attributes take that long to list",
    },
  ];
}

/** None seen in n: with 95 % certainty the share is below this. */
function ruleOfThree(n) {
  return `3/n = ${Number((3 / n).toPrecision(2))}`;
}

function quoted(output) {
  return output === "" ? "" : `: ${JSON.stringify(output.slice(0, 200))}`;
}

function runChild(options, folder) {
  const report = join(folder, `${options.variant}.json`);
  const store = join(folder, `${options.variant}.db`);
  return new Promise((resolve, reject) => {
    const settings = { timeout: CHILD_TIMEOUT_MS, killSignal: "SIGKILL", env: cleanEnvironment() };
    execFile(process.execPath, [CHILD, JSON.stringify({ ...options, store, report })], settings, async (error, stdout, stderr) => {
      const endedAtMs = Date.now();
      if (error !== null) {
        const why = error.killed
          ? `did not end in ${CHILD_TIMEOUT_MS} ms`
          : `ended with ${error.code ?? error.signal}: ${stderr.slice(0, 500)}`;
        reject(new Error(`the agent (${options.variant}) ${why}`, { cause: error }));
        return;
      }
      try {
        const seen = JSON.parse(await readFile(report, "utf8"));
        resolve({ ...seen, output: stdout + stderr, exitMs: endedAtMs - seen.doneAtMs });
      } catch (caught) {
        reject(caught);
      }
    });
  });
}
