import { createHash, randomFillSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { type ClientHttp2Session, connect } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import Database from "libsql";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Collector, startCollector } from "../../collector/main.ts";
import { messageField, stringField } from "../../collector/otlp/wire-writer.ts";
import { jsonTraces, protobufTraces } from "../support/otlp.ts";
import { grpcFrame, TRACE_EXPORT } from "../support/receiver.ts";
import { seededRandom } from "../support/seeded-random.ts";

const BODIES = 240;
const AT_ONCE = 24;
const KIB = 1024;

let folder = "";
let collector: Collector | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "agentlearn-bytes-"));
});
afterEach(async () => {
  await collector?.close();
  collector = undefined;
  rmSync(folder, { recursive: true, force: true });
});

interface Sending {
  readonly over: "http" | "grpc";
  readonly type: "application/x-protobuf" | "application/json";
  readonly gzip: boolean;
  readonly body: Uint8Array;
}

/** One span with a payload that nothing makes smaller, so that gzip keeps its size. Most bodies are small, every eighth is up to 1.5 MiB. */
function sendings(): readonly Sending[] {
  const random = seededRandom(7);
  return Array.from({ length: BODIES }, (_unused, index) => {
    const bytes = Math.ceil(random() * (index % 8 === 0 ? 1_500 : index % 3 === 0 ? 200 : 4) * KIB);
    const payload = randomFillSync(Buffer.alloc(bytes));
    const [traceId, spanId] = [payload.toString("hex", 0, 16).padEnd(32, "1"), payload.toString("hex", 0, 8).padEnd(16, "1")];
    const over = index % 2 === 0 ? "grpc" : "http";
    const isJson = over === "http" && index % 5 === 0;
    const value = messageField(2, [messageField(7, [payload])]);
    const plain = isJson
      ? jsonTraces([[traceId, spanId]], { attributes: [{ key: "payload", value: { stringValue: payload.toString("base64") } }] })
      : protobufTraces([[traceId, spanId]], messageField(9, [stringField(1, "payload"), value]));
    const gzip = random() < 0.4;
    return { over, type: isJson ? "application/json" : "application/x-protobuf", gzip, body: gzip ? gzipSync(plain, { level: 1 }) : plain };
  });
}

/** True when it was taken, false when it is to be sent again. */
function post(url: string, agent: Agent, { type, gzip, body }: Sending): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": type, ...(gzip ? { "content-encoding": "gzip" } : {}) };
    const outgoing = request(`${url}/v1/traces`, { method: "POST", agent, headers }, (response) => {
      response.resume();
      response.on("end", () => {
        if (response.statusCode === 200 || response.statusCode === 503) resolve(response.statusCode === 200);
        else reject(new Error(`answered ${response.statusCode}`));
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

function call(session: ClientHttp2Session, { gzip, body }: Sending): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ":method": "POST",
      ":path": TRACE_EXPORT,
      "content-type": "application/grpc",
      te: "trailers",
      ...(gzip ? { "grpc-encoding": "gzip" } : {}),
    });
    let status: unknown;
    stream.on("response", (headers) => {
      status ??= headers["grpc-status"];
    });
    stream.on("trailers", (headers) => {
      status ??= headers["grpc-status"];
    });
    stream.on("error", reject);
    stream.on("close", () => {
      if (status === "0" || status === "14") resolve(status === "0");
      else reject(new Error(`answered grpc-status ${status}`));
    });
    stream.resume();
    stream.end(grpcFrame(body, gzip ? 1 : 0));
  });
}

async function sendAll(all: readonly Sending[], { otlpHttpUrl, otlpGrpcUrl }: Collector): Promise<void> {
  const agent = new Agent({ keepAlive: true });
  // One connection: its streams are under way together, and their bytes come in the same reads.
  const session = connect(otlpGrpcUrl);
  let next = 0;
  const client = async (): Promise<void> => {
    for (let sending = all[next++]; sending !== undefined; sending = all[next++]) {
      while (!(await (sending.over === "http" ? post(otlpHttpUrl, agent, sending) : call(session, sending)))) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, client));
  } finally {
    session.close();
    agent.destroy();
  }
}

/** Read with plain SQL and plain files, so that no code under test says what is stored. */
function storedDigests(path: string): readonly string[] {
  const database = new Database(path, { readonly: true });
  const rows = database
    .prepare(
      "SELECT b.body AS body, p.segment AS segment, p.at AS at, p.bytes AS bytes FROM raw_body b LEFT JOIN body_place p ON p.body_id = b.id",
    )
    .all() as { readonly body: Uint8Array | ArrayBuffer; readonly segment: number | null; readonly at: number; readonly bytes: number }[];
  database.close();
  const files = new Map<number, Buffer>();
  return rows.map(({ body, segment, at, bytes }) => {
    if (segment === null) return digestOf(new Uint8Array(body));
    const file = files.get(segment) ?? readFileSync(join(`${path}-bodies`, `${String(segment).padStart(8, "0")}.bodies`));
    files.set(segment, file);
    return digestOf(file.subarray(at, at + bytes));
  });
}

function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

// Freeing what was read by transferring it gave HTTP/2 streams the bytes of each other, and only a figure noticed.
test("every body is stored byte for byte as it was sent, whatever comes beside it, and nothing else is", { timeout: 120_000 }, async () => {
  const path = join(folder, "learn.db");
  collector = await startCollector({ store: `file:${path}`, otlpHttpPort: 0, otlpGrpcPort: 0, apiPort: 0 });
  const all = sendings();
  const sent = all.map(({ body }) => digestOf(body));
  await sendAll(all, collector);
  await collector.close();
  collector = undefined;
  const stored = new Set(storedDigests(path));
  expect({
    missing: sent.filter((digest) => !stored.has(digest)).length,
    invented: [...stored].filter((digest) => !sent.includes(digest)).length,
    stored: stored.size,
  }).toEqual({ missing: 0, invented: 0, stored: BODIES });
});
