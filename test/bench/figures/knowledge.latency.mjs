/**
 * How long a warm `getKnowledge` takes in an agent's process, the task's embedding included, at 1,000, 10,000 and 100,000 items: alone, and in turn with
 * what one would write with libSQL (FTS5 + vector_distance_cos + rank fusion, embedding included) on the same items; how far both agree on the best ten;
 * the first call after the start; what 100,000 items take in memory; and the longest wait once the store is gone.
 */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeCorpus, openBenchModel } from "../knowledge-corpus.mjs";
import { fillStores } from "../knowledge-store.mjs";
import { median, spreadOf } from "../statistics.mjs";

export const name = "knowledge.latency";
export const unit = "ms";
export const target = { op: "<=", value: 1 };

/** Best and worst time of a warm call, and the least ratio to the peer. */
const SIZES = [
  { count: 1_000, label: "1k", ratio: 8, compared: 200 },
  { count: 10_000, label: "10k", p50: 1, p99: 3, ratio: 20, compared: 100, firstMs: 300 },
  { count: 100_000, label: "100k", p50: 5, p99: 15, ratio: 40, compared: 30, memoryMiB: 250 },
];

export async function run({ quick, seed }) {
  const rows = [];
  for (const size of quick ? SIZES.slice(0, 1) : SIZES) rows.push(...(await measure(size, { quick, seed })));
  return rows;
}

async function measure(size, { quick, seed }) {
  const tasks = quick ? 300 : 2_000;
  const compared = quick ? 20 : size.compared;
  const folder = await mkdtemp(join(tmpdir(), "agentlearn-knowledge-"));
  try {
    const paths = { store: join(folder, "agentlearn.db"), peer: join(folder, "peer.db") };
    const { items } = makeCorpus({ count: size.count, tasks, seed });
    await fillStores({ ...paths, items, model: await openBenchModel() });
    return rowsOf(size, tasks, await child({ ...paths, count: size.count, tasks, compared, seed }));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function rowsOf({ label, count, p50, p99, ratio, firstMs, memoryMiB }, tasks, measured) {
  const { shared, all } = measured.agreement;
  const most = (value) => (value === undefined ? null : { op: "<=", value });
  return [
    {
      part: `${label}.p50`,
      value: measured.p50,
      target: most(p50),
      n: tasks,
      note: `embedding included, model ${measured.model}; ${measured.empty} of ${tasks} tasks were given nothing`,
    },
    { part: `${label}.p99`, value: measured.p99, target: most(p99), n: tasks, spread: `max ${measured.max.toPrecision(3)}` },
    {
      part: `${label}.ratio`,
      target: { op: ">=", value: ratio },
      ...ratioOf(measured.compared),
      note: "both warm, ten tasks each in turn in one process; embedding on both sides, the text of the prompt on ours alone",
    },
    {
      part: `${label}.ratio-alternating`,
      target: null,
      ...ratioOf(measured.alternating),
      note: "the same, task by task: each finds the processor's caches full of what the other read",
    },
    {
      part: `${label}.overlap`,
      unit: "share",
      value: shared / all,
      target: { op: ">=", value: 0.99 },
      n: all,
      note: "of the peer's best ten, without the floor of relevance",
    },
    {
      part: `${label}.first`,
      value: measured.firstMs,
      target: most(firstMs),
      n: 1,
      note: `first call of a process, thread and load included${measured.firstIsEmpty ? ", gave nothing" : ""}; vectors in use after ${measured.readyMs.toFixed(0)} ms`,
    },
    {
      part: `${label}.memory`,
      unit: "MiB",
      value: measured.rssMiB,
      target: most(memoryMiB),
      n: 1,
      note: `resident memory that ${count} items and the store's thread add to the process`,
    },
    {
      part: `${label}.gone`,
      value: Math.max(...measured.gone.map(({ ms }) => ms)),
      target: most(50),
      n: measured.gone.length,
      note: `longest call with the store gone; ${measured.gone.filter(({ empty }) => empty).length} gave nothing`,
    },
  ];
}

function ratioOf({ ours, peer }) {
  const ratios = peer.map((ms, at) => ms / ours[at]);
  return {
    unit: "x",
    value: median(ratios),
    n: ratios.length,
    spread: spreadOf(ratios),
    peer: "FTS5 + vector_distance_cos + RRF",
    peerValue: Number(median(peer).toPrecision(3)),
  };
}

function child(options) {
  const file = fileURLToPath(new URL("../knowledge-child.mjs", import.meta.url));
  return new Promise((resolve, reject) => {
    const process_ = spawn(process.execPath, ["--expose-gc", file, JSON.stringify(options)], { stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    process_.stdout.on("data", (chunk) => {
      text += chunk;
    });
    process_.once("error", reject);
    process_.once("close", (code) =>
      code === 0 ? resolve(JSON.parse(text)) : reject(new Error(`knowledge-child.mjs ended with ${code}`)),
    );
  });
}
