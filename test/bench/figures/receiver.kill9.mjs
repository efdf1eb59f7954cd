/**
 * Nothing that was acknowledged is lost when the collector dies at any moment. Eight clients post OTLP/HTTP bodies (protobuf and JSON, half of them
 * gzip) with span ids of their own; SIGKILL comes 80 to 330 ms after the start; an oracle outside of the process keeps what was answered 200.
 * After the last kill every acknowledged span must stand in the store with its payload unchanged, and no span that nobody sent.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startCollector } from "../collector-process.mjs";
import { createRequest, fingerprintOf, keyOf, PAYLOAD } from "../otlp-bodies.mjs";
import { createRandom, quantile, spreadOf } from "../statistics.mjs";
import { builtFile, readStoredSpans } from "../stored-spans.mjs";

export const name = "receiver.kill9";
export const unit = "spans";
export const target = { op: "==", value: 0 };

const CLIENTS = 8;
const KILL_AFTER_MS = [80, 330];
/** Bodies made before the first start: making one costs more than receiving it, and the collector is what is to be kept busy. */
const POOL = 400;

export async function run({ quick, seed }) {
  builtFile("src/cli/main.js");
  const kills = quick ? 5 : 200;
  const random = createRandom(seed);
  const folder = await mkdtemp(join(tmpdir(), "agentlearn-kill9-"));
  const store = join(folder, "agentlearn.db");
  const oracle = createOracle();
  const restartsMs = [];
  try {
    for (let round = 0; round < kills; round += 1) {
      const pool = await Promise.all(Array.from({ length: POOL }, () => createRequest(random)));
      const collector = await startCollector({ store, cwd: folder });
      if (round > 0) restartsMs.push(collector.readyMs);
      try {
        const killAfterMs = KILL_AFTER_MS[0] + random() * (KILL_AFTER_MS[1] - KILL_AFTER_MS[0]);
        await postUntilKilled({ collector, pool, random, oracle, killAfterMs });
      } finally {
        await collector.kill();
      }
    }
    // One more start, as after any crash, before the file is read.
    const last = await startCollector({ store, cwd: folder });
    restartsMs.push(last.readyMs);
    await last.kill();
    return rowsOf({ ...oracle.judge(await readStoredSpans(store)), kills, restartsMs });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Each client sends one body after the other, so that at most eight are in flight when the process dies. */
async function postUntilKilled({ collector, pool, random, oracle, killAfterMs }) {
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  let alive = true;
  const client = async () => {
    while (alive) {
      const next = pool.pop() ?? (await createRequest(random));
      oracle.sent(next);
      const status = await post(`${collector.url}/v1/traces`, next, agent);
      if (status !== undefined) oracle.answered(next, status);
    }
  };
  const clients = Array.from({ length: CLIENTS }, client);
  await sleep(killAfterMs);
  await collector.kill();
  alive = false;
  await Promise.all(clients);
  agent.destroy();
}

/** The status of an answer that arrived whole, or undefined when the connection broke first. A partial success is no acknowledgement. */
function post(url, { headers, body }, agent) {
  return new Promise((resolve) => {
    const outgoing = request(url, { method: "POST", agent, headers: { ...headers, "content-length": body.length } }, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("error", () => resolve(undefined));
      response.on("close", () => resolve(undefined));
      response.on("end", () =>
        resolve(response.statusCode === 200 && isPartial(Buffer.concat(chunks)) ? "200 in part" : response.statusCode),
      );
    });
    outgoing.on("error", () => resolve(undefined));
    outgoing.end(body);
  });
}

/** An ExportTraceServiceResponse without partial_success is empty in protobuf and `{}` in JSON; `{"partialSuccess":{}}` says the same. */
function isPartial(body) {
  const text = body.toString("latin1").replace(/\s/g, "");
  return !["", "{}", '{"partialSuccess":{}}', "\n\0"].includes(text);
}

function createOracle() {
  const sent = new Map();
  const acknowledged = new Set();
  const refused = new Map();
  return {
    sent({ spans }) {
      for (const { key, fingerprint } of spans) sent.set(key, fingerprint);
    },
    answered({ spans }, status) {
      if (status === 200) for (const { key } of spans) acknowledged.add(key);
      else refused.set(status, (refused.get(status) ?? 0) + 1);
    },
    judge(stored) {
      const found = new Map(stored.map((span) => [keyOf(span), fingerprintOf(span.attributes[PAYLOAD])]));
      return {
        acknowledged: acknowledged.size,
        stored: found.size,
        refused: [...refused].map(([status, count]) => `${count} answered ${status}`).join(", "),
        lost: [...acknowledged].filter((key) => !found.has(key)).length,
        altered: [...found].filter(([key, fingerprint]) => sent.has(key) && sent.get(key) !== fingerprint).length,
        invented: [...found.keys()].filter((key) => !sent.has(key)).length + (stored.length - found.size),
      };
    },
  };
}

function rowsOf({ acknowledged, stored, refused, lost, altered, invented, kills, restartsMs }) {
  // Zero of n is no proof of never: with 95 % confidence the rate is below 3/n. The kills are the trials, the spans hang together.
  const bounded = (value, n) => ({ value, n, ...(value === 0 ? { spread: `3/n = ${short(3 / n)}` } : {}) });
  return [
    {
      ...bounded(lost, acknowledged),
      note: `acknowledged and not in the store, ${kills} kills (3/n = ${short(3 / kills)} per kill)`,
    },
    { part: "altered", ...bounded(altered, stored), note: "in the store with another payload than was sent" },
    { part: "invented", ...bounded(invented, stored), note: "in the store, never sent or twice" },
    // A run that acknowledged next to nothing would find nothing lost: it must have had something to lose at every kill.
    { part: "acked", value: acknowledged, target: { op: ">=", value: 50 * kills }, n: kills, ...(refused === "" ? {} : { note: refused }) },
    // 1 s: the first retry of the JavaScript exporter comes after one, so what was in flight at the kill is delivered at the first attempt.
    {
      part: "restart",
      value: quantile(restartsMs, 0.95),
      unit: "ms",
      target: { op: "<=", value: 1_000 },
      n: restartsMs.length,
      spread: spreadOf(restartsMs),
      note: `p95 from start to ready on the store as the kill left it; p50 ${Math.round(quantile(restartsMs, 0.5))}`,
    },
  ];
}

function short(value) {
  return Number(value.toPrecision(2));
}
