/**
 * Broken bodies of every kind against `agentlearn up`: OTLP in protobuf and JSON, recorded and synthetic, with flipped bits, cut off, spliced, with
 * lengths and numbers that lie, too deep, in bad UTF-8, under the wrong type or encoding, in gzip, deflate, br and zstd that are broken themselves,
 * and in gRPC frames that lie. The process must live, answer each with what OTLP allows and never with 500, and map what it accepted.
 * Mutant N of seed S is always the same bytes: a wrong answer names both, and `mutantOf` makes it again.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startCollector } from "../collector-process.mjs";
import { createSeeds, mutantOf } from "../mutants.mjs";
import { createRequest } from "../otlp-bodies.mjs";
import { createGrpcSender } from "../otlp-senders.mjs";
import { createPipeline } from "../pipeline.mjs";
import { watchMemory } from "../process-memory.mjs";
import { keyOf } from "../span-oracle.mjs";
import { createRandom } from "../statistics.mjs";
import { builtFile, builtModule, readStoredSpans } from "../stored-spans.mjs";

export const name = "receiver.fuzz";
export const unit = "answers";
export const target = { op: "==", value: 0 };

const CONNECTIONS = 8;
const UNDER_WAY = 8;
const QUICK_MS = 6_000;
const ALL = 1_000_000;
// 503 is what a full receiver says; every other answer tells what is wrong with the request.
const HTTP_ALLOWED = new Set([200, 400, 413, 415, 429, 503]);
// OK, INVALID_ARGUMENT, RESOURCE_EXHAUSTED, UNIMPLEMENTED (an encoding), UNAVAILABLE.
const GRPC_ALLOWED = new Set([0, 3, 8, 12, 14]);

export async function run({ quick, seed }) {
  builtFile("src/cli/main.js");
  const folder = await mkdtemp(join(tmpdir(), "agentlearn-fuzz-"));
  const store = join(folder, "agentlearn.db");
  try {
    const collector = await startCollector({ store, cwd: folder });
    let seen;
    let good;
    try {
      seen = await fuzz(collector, { seed, count: ALL, forMs: quick ? QUICK_MS : Number.POSITIVE_INFINITY });
      good = await sendGood(collector, createRandom(seed));
    } finally {
      await collector.stop();
    }
    const stored = new Set((await readStoredSpans(store)).map(keyOf));
    const found = good.status === 200 && good.keys.every((key) => stored.has(key));
    return rowsOf({ ...seen, found, seed, ...(await unmappable(store)) });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function fuzz(collector, { seed, count, forMs }) {
  const seeds = createSeeds(seed);
  const memory = watchMemory(collector.pid, 20);
  const answers = new Map();
  const wrong = [];
  const pipelines = Array.from({ length: CONNECTIONS }, () => createPipeline(collector.url));
  const grpc = createGrpcSender(collector.grpcUrl);
  const began = performance.now();
  let next = 0;
  const client = async (pipeline) => {
    while (next < count && performance.now() - began < forMs && collector.isAlive()) {
      const number = next++;
      const mutant = mutantOf(seeds, seed, number);
      const isGrpc = mutant.over === "grpc";
      const status = isGrpc ? await grpc.sendFrame(mutant) : await pipeline.send(mutant);
      const key = `${mutant.over} ${status}`;
      answers.set(key, (answers.get(key) ?? 0) + 1);
      if (!(isGrpc ? GRPC_ALLOWED : HTTP_ALLOWED).has(status)) wrong.push({ number, key });
    }
  };
  await Promise.all(pipelines.flatMap((pipeline) => Array.from({ length: UNDER_WAY }, () => client(pipeline))));
  const seconds = (performance.now() - began) / 1_000;
  for (const pipeline of pipelines) pipeline.close();
  grpc.close();
  return { sent: next, seconds, answers, wrong, rss: memory.stop(), alive: collector.isAlive() };
}

async function sendGood(collector, random) {
  const { headers, body, spans } = await createRequest(random);
  const pipeline = createPipeline(collector.url);
  const status = await pipeline.send({ signal: "traces", type: headers["content-type"], encoding: headers["content-encoding"], body });
  pipeline.close();
  return { status, keys: spans.map(({ key }) => key) };
}

async function unmappable(file) {
  await builtModule("src/store/open.js");
  const { default: Database } = await import("libsql");
  const database = new Database(file, { readonly: true });
  try {
    const accepted = database.prepare("SELECT count(*) AS count FROM raw_body").get().count;
    const rows = database.prepare("SELECT reason FROM unmappable_body LIMIT 1000").all();
    return { accepted, faults: rows.length, reason: rows.length === 0 ? "" : Buffer.from(rows[0].reason).toString() };
  } finally {
    database.close();
  }
}

function rowsOf({ sent, seconds, answers, wrong, rss, alive, found, seed, accepted, faults, reason }) {
  const short = (value) => Number(value.toPrecision(3));
  const counted = [...answers]
    .sort()
    .map(([key, count]) => `${count} x ${key}`)
    .join(", ");
  const first = wrong
    .slice(0, 3)
    .map(({ number, key }) => `mutant ${number}: ${key}`)
    .join("; ");
  const bounded = (value, n) => ({ value, n, ...(value === 0 ? { spread: `3/n = ${short(3 / n)}` } : {}) });
  return [
    { ...bounded(wrong.length, sent), note: `not allowed by OTLP, or none, seed ${seed}${first === "" ? "" : ` (${first})`}: ${counted}` },
    {
      part: "rate",
      value: Math.round(sent / seconds),
      unit: "bodies/s",
      target: null,
      n: sent,
      note: `over ${CONNECTIONS} connections with ${UNDER_WAY} requests each, made and sent by one process`,
    },
    {
      part: "alive",
      value: alive && found ? 1 : 0,
      unit: "yes",
      target: { op: "==", value: 1 },
      n: 1,
      note: "the same process; a good request after all that is answered 200 and its spans are in the store",
    },
    {
      part: "unmappable",
      ...bounded(faults, accepted),
      unit: "bodies",
      note: `accepted and not to be mapped${reason === "" ? "" : `: ${reason}`}`,
    },
    {
      part: "memory",
      value: short(rss.peak),
      unit: "MiB",
      target: { op: "<=", value: 256 },
      n: sent,
      note: `resident at the peak, ${short(rss.start)} at the start`,
    },
  ];
}
