/**
 * Retries make copies, and copies may not count. Every span and log record is sent one to five times, in any order, in batches of any size, over
 * HTTP (protobuf, JSON, gzip or not), gRPC and `agentlearn import`; one run in five is a day old, and one copy in twenty comes when all else is in.
 * The store must hold each once, and its runs must equal those of a second store that got everything once and in order.
 * Compared are whole traces except `completeness`, which says when they were assembled.
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual, promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { startCollector } from "../collector-process.mjs";
import { createGrpcSender, createHttpSender } from "../otlp-senders.mjs";
import { createRuns, serialize } from "../run-bodies.mjs";
import { createRandom, shuffled } from "../statistics.mjs";
import { builtFile, builtModule } from "../stored-spans.mjs";

export const name = "receiver.duplicates";
export const unit = "rows";
export const target = { op: "==", value: 0 };

const CLIENTS = 8;
const ROUTES = ["http protobuf", "http json", "http protobuf gzip", "http json gzip", "grpc", "grpc gzip", "import"];

export async function run({ quick, seed }) {
  builtFile("src/cli/main.js");
  const random = createRandom(seed);
  const items = createRuns(random, quick ? 5_000 : 100_000);
  const folder = await mkdtemp(join(tmpdir(), "agentlearn-duplicates-"));
  try {
    const many = join(folder, "many.db");
    const once = join(folder, "once.db");
    const sent = await sendCopies({ items, random, store: many, folder });
    await takeInOrder(once, items);
    return rowsOf(items, sent, await contentOf(many), await contentOf(once));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function sendCopies({ items, random, store, folder }) {
  const copies = items.flatMap((entry) => Array.from({ length: 1 + Math.floor(random() * 5) }, () => entry));
  const late = [];
  const inTime = shuffled(copies, random).filter((entry) => random() >= 0.05 || !late.push(entry));
  const refused = [];
  const collector = await startCollector({ store, cwd: folder });
  const http = createHttpSender(collector.url, CLIENTS);
  const grpc = createGrpcSender(collector.grpcUrl);
  const lines = [];
  const send = async ({ route, signal, entries }) => {
    const json = route.includes("json") || route === "import";
    const plain = serialize(signal, json ? "json" : "protobuf", entries);
    if (route === "import") return lines.push(plain);
    const body = route.includes("gzip") ? gzipSync(plain) : plain;
    const request = {
      signal,
      type: json ? "application/json" : "application/x-protobuf",
      body,
      ...(route.includes("gzip") ? { encoding: "gzip" } : {}),
    };
    const status = route.startsWith("grpc") ? await grpc.send(request) : await http.send(request);
    if (status !== (route.startsWith("grpc") ? 0 : 200)) refused.push(`${route}: ${status}`);
  };
  try {
    for (const part of [inTime, late]) await inParallel(batchesOf(part, random), send);
    const file = join(folder, "import.jsonl");
    await writeFile(file, Buffer.concat(lines.flatMap((line) => [line, Buffer.from("\n")])));
    await promisify(execFile)(process.execPath, [builtFile("src/cli/main.js"), "import", file, "--store", `file:${store}`], {
      cwd: folder,
    });
    return { copies: copies.length, refused };
  } finally {
    http.close();
    grpc.close();
    await collector.stop();
  }
}

/** Batches of 1 to 200 items of one signal, most of them small. */
function batchesOf(entries, random) {
  const batches = [];
  for (const signal of ["traces", "logs"]) {
    const rest = entries.filter((entry) => entry.signal === signal).map(({ item }) => item);
    while (rest.length > 0) {
      const route = ROUTES[Math.floor(random() * ROUTES.length)];
      batches.push({ route, signal, entries: rest.splice(0, 1 + Math.floor(200 * random() ** 2)) });
    }
  }
  return shuffled(batches, random);
}

async function inParallel(batches, send) {
  let next = 0;
  const client = async () => {
    while (next < batches.length) await send(batches[next++]);
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
}

async function takeInOrder(file, items) {
  await withStore(file, async (store) => {
    for (const signal of ["traces", "logs"]) {
      const entries = items.filter((entry) => entry.signal === signal).map(({ item }) => item);
      for (let at = 0; at < entries.length; at += 500) {
        const part = entries.slice(at, at + 500);
        const body = Uint8Array.from(serialize(signal, "protobuf", part));
        const traceIds = [
          ...new Set(part.map(({ spanContext }) => (typeof spanContext === "function" ? spanContext() : spanContext).traceId)),
        ];
        await store.appendBodies([
          { format: "otlp-protobuf", signal, encoding: "identity", body, receivedAtUs: Date.now() * 1000, traceIds },
        ]);
      }
    }
  });
}

async function withStore(file, work) {
  const { openWriter } = await builtModule("src/store/open.js");
  const writer = openWriter({ url: `file:${file}`, mode: "own", name: "figures", ingest: "on-demand" });
  try {
    return await work(writer.store);
  } finally {
    await writer.close(10_000);
  }
}

/** Everything mapped and assembled, then { spans, logs, unmappable, traces by id }. */
async function contentOf(file) {
  const { default: Database } = await import("libsql");
  return withStore(file, async (store) => {
    await store.drain();
    const database = new Database(file, { readonly: true });
    const count = (table) => database.prepare(`SELECT count(*) AS count FROM ${table}`).get().count;
    const ids = database
      .prepare("SELECT id FROM trace ORDER BY id")
      .all()
      .map(({ id }) => id);
    const counts = { spans: count("span"), logs: count("log"), unmappable: count("unmappable_body") };
    database.close();
    const traces = new Map();
    for (const id of ids) traces.set(id, await store.getTrace(id));
    return { ...counts, traces };
  });
}

function rowsOf(items, { copies, refused }, many, once) {
  const spans = items.filter(({ signal }) => signal === "traces").length;
  const logs = items.length - spans;
  const wrongRows = Math.abs(many.spans - spans) + Math.abs(many.logs - logs);
  const bare = (trace) => (trace === undefined ? undefined : { ...trace, completeness: undefined });
  const ids = new Set([...many.traces.keys(), ...once.traces.keys()]);
  const differing = [...ids].filter((id) => !isDeepStrictEqual(bare(many.traces.get(id)), bare(once.traces.get(id))));
  return [
    {
      value: wrongRows,
      n: items.length,
      note: `stored ${many.spans} spans and ${many.logs} logs of ${spans} and ${logs}, sent ${copies} times; refused: ${refused.length}${refused.length === 0 ? "" : ` (${refused[0]})`}`,
    },
    {
      part: "traces",
      value: differing.length,
      unit: "traces",
      n: ids.size,
      note: `other than when taken in once and in order, all fields but completeness${differing.length === 0 ? "" : `; first: ${differing[0]}`}`,
    },
    {
      part: "unmappable",
      value: many.unmappable + refused.length,
      unit: "bodies",
      n: copies,
      note: "accepted and not to be mapped, or refused",
    },
    {
      part: "runs",
      value: once.traces.size,
      unit: "traces",
      target: { op: ">=", value: 1 },
      n: spans,
      note: "assembled when taken in once: there was something to compare",
    },
  ];
}
