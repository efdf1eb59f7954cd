/**
 * Ten times more than the collector can keep, for a minute: it stays small, says no in the way that makes exporters come back, loses nothing it said
 * yes to, and is itself again soon after. First its highest rate is found; then raw clients, which send again at once whatever they are answered, and
 * stock exporters of OpenTelemetry JS over HTTP and gRPC all send batches of 512 spans from processes of their own. They share the machine with the
 * collector, so what was really offered is measured and printed.
 */
import { fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { startCollector } from "../collector-process.mjs";
import { createRequest } from "../otlp-bodies.mjs";
import { createHttpClient } from "../otlp-clients.mjs";
import { PREFIX_CHARACTERS, SPANS_PER_REQUEST } from "../overload-plan.mjs";
import { createRandom, quantile } from "../statistics.mjs";
import { builtFile, countStoredSpans } from "../stored-spans.mjs";

export const name = "receiver.overload";
export const unit = "spans";
export const target = { op: "==", value: 0 };

const RSS_MIB = 256;
const CHILD = join(dirname(fileURLToPath(import.meta.url)), "..", "overload-child.mjs");
const RAW = [
  { mode: "http", connections: 64 },
  { mode: "http", connections: 64 },
  { mode: "grpc", connections: 64 },
];
const STOCK = [
  { mode: "stock-http", connections: 4 },
  { mode: "stock-grpc", connections: 4 },
];

export async function run({ quick, seed }) {
  builtFile("src/cli/main.js");
  const folder = await mkdtemp(join(tmpdir(), "agentlearn-overload-"));
  const store = join(folder, "agentlearn.db");
  const collector = await startCollector({ store, cwd: folder });
  const clients = [...RAW, ...STOCK].map((plan, index) => startClient(plan, collector, seed + index));
  try {
    await Promise.all(clients.map((client) => client.ready));
    const memory = watchMemory(collector.pid);
    const calm = await roundOf(clients.slice(0, 3), { durationMs: quick ? 2_000 : 10_000, connections: 2 });
    const highest = calm.acknowledgedSpans / calm.seconds;
    const calmMib = memory.highestMib();
    const load = await roundOf(clients, { durationMs: quick ? 6_000 : 60_000 });
    const after = await normalAgain(collector, createRandom(seed));
    const loadMib = memory.highestMib();
    memory.stop();
    const unmapped = await unmappedBodies(collector);
    await collector.end("SIGTERM");
    const acknowledged = [...calm.acknowledged, ...load.acknowledged];
    const stored = await countStoredSpans(store, PREFIX_CHARACTERS);
    return rowsOf({ highest, calm, calmMib, load, loadMib, after, unmapped, acknowledged, stored, memory });
  } finally {
    for (const client of clients) client.end();
    await collector.end("SIGKILL");
    await rm(folder, { recursive: true, force: true });
  }
}

function startClient({ mode, connections }, { url, grpcUrl }, seed) {
  const child = fork(CHILD, [JSON.stringify({ mode, url: mode.endsWith("grpc") ? grpcUrl : url, seed })]);
  const answer = () =>
    new Promise((resolve, reject) => {
      child.once("message", resolve);
      child.once("exit", (code) => reject(new Error(`a client process ended with ${code}`)));
    });
  return {
    mode,
    ready: answer(),
    round: (plan) => {
      child.send({ connections, ...plan });
      return answer();
    },
    end: () => child.kill("SIGKILL"),
  };
}

async function roundOf(clients, plan) {
  const began = performance.now();
  const results = await Promise.all(clients.map((client) => client.round(plan)));
  const seconds = (performance.now() - began) / 1000;
  const acknowledged = results.flatMap((result) => result.acknowledged);
  const sum = (key) => {
    const total = {};
    for (const result of results) for (const [what, count] of Object.entries(result[key])) total[what] = (total[what] ?? 0) + count;
    return total;
  };
  const stock = results.filter((_, index) => clients[index].mode.startsWith("stock"));
  return {
    seconds,
    acknowledged,
    acknowledgedSpans: acknowledged.length * SPANS_PER_REQUEST,
    sentSpans: results.reduce((total, { sent }) => total + sent, 0) * SPANS_PER_REQUEST,
    answers: sum("answers"),
    improper: sum("improper"),
    stock: {
      sent: stock.reduce((total, { sent }) => total + sent, 0),
      acknowledged: stock.reduce((total, result) => total + result.acknowledged.length, 0),
    },
  };
}

/** The kernel's own high-water mark, so that no moment is missed, and samples for the middle. */
function watchMemory(pid) {
  const field = (key) => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
  const samples = [];
  const timer = setInterval(() => samples.push(field("VmRSS")), 200);
  return { highestMib: () => field("VmHWM"), samples, stop: () => clearInterval(timer) };
}

/** Posts small requests one after the other for 5 s and more: from when on, for a second, all are taken with a p99 below 100 ms? */
async function normalAgain(collector, random) {
  const client = createHttpClient(collector.url, { connections: 1 });
  const began = performance.now();
  const seen = [];
  while (performance.now() - began < 6_000) {
    const request = await createRequest(random);
    const at = performance.now();
    const { kind } = await client.post(request);
    seen.push({ at: at - began, tookMs: performance.now() - at, good: kind === "acknowledged" });
    await sleep(5);
  }
  client.close();
  for (let from = 0; from <= 5_000; from += 100) {
    const within = seen.filter(({ at }) => at >= from && at < from + 1_000);
    const p99 = quantile(
      within.map(({ tookMs }) => tookMs),
      0.99,
    );
    if (within.length >= 20 && within.every(({ good }) => good) && p99 < 100) return { seconds: from / 1000, p99, n: within.length };
  }
  const last = seen.filter(({ at }) => at >= 5_000);
  return {
    seconds: Number.POSITIVE_INFINITY,
    p99: quantile(
      last.map(({ tookMs }) => tookMs),
      0.99,
    ),
    n: last.length,
  };
}

async function unmappedBodies(collector) {
  return (await (await fetch(`${collector.apiUrl}/api/v1/status`)).json()).unmappedBodies;
}

function rowsOf({ highest, calmMib, load, loadMib, after, unmapped, acknowledged, stored, memory }) {
  const lost = acknowledged.reduce((sum, prefix) => sum + Math.max(0, SPANS_PER_REQUEST - (stored.get(prefix) ?? 0)), 0);
  const context = { target: null };
  const list = (counts) =>
    Object.entries(counts)
      .map(([what, count]) => `${count} ${what}`)
      .join(", ");
  const improper = Object.values(load.improper).reduce((sum, count) => sum + count, 0);
  return [
    { value: lost, n: acknowledged.length * SPANS_PER_REQUEST, note: "acknowledged and not in the store after all was mapped" },
    {
      part: "memory",
      value: Math.round(loadMib),
      unit: "MiB",
      target: { op: "<=", value: RSS_MIB },
      n: memory.samples.length,
      note: `highest resident set of the collector (VmHWM); ${Math.round(calmMib)} at its highest rate, median of samples ${Math.round(quantile(memory.samples, 0.5))}`,
    },
    { part: "improper", value: improper, unit: "refusals", n: 1, note: improper > 0 ? list(load.improper) : list(load.answers) },
    {
      part: "recovery",
      value: after.seconds,
      unit: "s",
      target: { op: "<=", value: 5 },
      n: after.n,
      note: `from the end of the load until, for 1 s, all is taken with p99 < 100 ms; p99 then ${after.p99.toFixed(1)} ms, ${unmapped} bodies yet to map`,
    },
    {
      part: "highest-rate",
      value: Math.round(highest),
      unit: "spans/s",
      n: 1,
      ...context,
      note: "acknowledged, six clients in three processes",
    },
    {
      part: "offered",
      value: Number((load.sentSpans / load.seconds / highest).toPrecision(3)),
      unit: "x highest rate",
      n: load.sentSpans,
      ...context,
      note: `for ${load.seconds.toFixed(0)} s; the clients and the collector share the machine`,
    },
    { part: "accepted", value: Math.round(load.acknowledgedSpans / load.seconds), unit: "spans/s", n: load.acknowledgedSpans, ...context },
    {
      part: "stock-delivered",
      value: Number((load.stock.acknowledged / load.stock.sent).toPrecision(3)),
      unit: "of batches",
      n: load.stock.sent,
      ...context,
      note: "by stock exporters among clients that never wait",
    },
  ];
}
