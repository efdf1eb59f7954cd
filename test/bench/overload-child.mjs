/**
 * One client process of receiver.overload: argv[2] is JSON { mode, url, seed }, mode is "http" or "grpc" (raw clients that send again at once, whatever
 * they were answered) or "stock-http" or "stock-grpc" (the exporters of OpenTelemetry JS, which wait and try again by themselves).
 * Each message { connections, durationMs } is one round and is answered with what it measured. Every request carries a prefix of its own in all its
 * trace ids; the prefixes of acknowledged requests are the answer's `acknowledged`.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import { createSpan } from "./otlp-bodies.mjs";
import { createGrpcClient, createHttpClient, isProperRefusal } from "./otlp-clients.mjs";
import { PREFIX_CHARACTERS, SPANS_PER_REQUEST } from "./overload-plan.mjs";
import { createRandom } from "./statistics.mjs";

const { mode, url, seed } = JSON.parse(process.argv[2]);
const SPANS_PER_TRACE = 8;
const random = createRandom(seed);
const hex = (length) => Array.from({ length }, () => Math.floor(random() * 16).toString(16)).join("");
const spans = Array.from({ length: SPANS_PER_REQUEST }, (_, index) =>
  createSpan(random, {
    traceId:
      "f".repeat(PREFIX_CHARACTERS) +
      Math.floor(index / SPANS_PER_TRACE)
        .toString(16)
        .padStart(32 - PREFIX_CHARACTERS, "0"),
    spanId: hex(16),
  }),
);

process.on("message", async (round) => {
  process.send(await (mode.startsWith("stock") ? stockRound(round) : rawRound(round)));
});
process.send({ ready: true });

async function rawRound({ connections, durationMs }) {
  const result = newResult();
  const client = mode === "grpc" ? createGrpcClient(url) : createHttpClient(url, { connections });
  const until = performance.now() + durationMs;
  const headers = { "content-type": "application/x-protobuf" };
  const template = Buffer.from(ProtobufTraceSerializer.serializeRequest(spans));
  const places = placesIn(template);
  const one = async () => {
    const body = Buffer.from(template);
    while (performance.now() < until) {
      const prefix = hex(PREFIX_CHARACTERS);
      const bytes = Buffer.from(prefix, "hex");
      for (const at of places) bytes.copy(body, at);
      const began = performance.now();
      const answer = await client.post({ headers, body });
      result.tookMs.push(Math.round(performance.now() - began));
      result.sent += 1;
      result.bytes += body.length;
      result.count(prefix, answer);
    }
  };
  await Promise.all(Array.from({ length: connections }, one));
  client.close();
  return result.done();
}

async function stockRound({ connections, durationMs }) {
  const result = newResult();
  const exporter = await stockExporter();
  const until = performance.now() + durationMs;
  const one = async () => {
    while (performance.now() < until) {
      const prefix = hex(PREFIX_CHARACTERS);
      const batch = spans.map((span) => withPrefix(span, prefix));
      const began = performance.now();
      const { code, error } = await new Promise((resolve) => exporter.export(batch, resolve));
      result.tookMs.push(Math.round(performance.now() - began));
      result.sent += 1;
      result.count(prefix, { kind: code === 0 ? "acknowledged" : "given up", transport: mode, code: error?.message });
      // A batch processor hands over the next batch in a later turn.
      await sleep(1);
    }
  };
  await Promise.all(Array.from({ length: connections }, one));
  await exporter.shutdown();
  return result.done();
}

async function stockExporter() {
  if (mode === "stock-grpc") {
    const { OTLPTraceExporter } = await import("@opentelemetry/exporter-trace-otlp-grpc");
    return new OTLPTraceExporter({ url });
  }
  const { OTLPTraceExporter } = await import("@opentelemetry/exporter-trace-otlp-proto");
  return new OTLPTraceExporter({ url: `${url}/v1/traces` });
}

function withPrefix(span, prefix) {
  const { traceId, spanId, traceFlags } = span.spanContext();
  const context = { traceId: prefix + traceId.slice(PREFIX_CHARACTERS), spanId, traceFlags };
  return { ...span, spanContext: () => context };
}

function newResult() {
  const acknowledged = [];
  const answers = {};
  const improper = {};
  const result = {
    sent: 0,
    bytes: 0,
    tookMs: [],
    count(prefix, answer) {
      const what = answer.kind === "refused" ? `${answer.transport} ${answer.code}` : `${answer.kind} over ${answer.transport}`;
      answers[what] = (answers[what] ?? 0) + 1;
      if (answer.kind === "acknowledged") acknowledged.push(prefix);
      if (answer.kind === "refused" && !isProperRefusal(answer)) {
        const how = `${what}, again in ${answer.retryAfterSeconds} s`;
        improper[how] = (improper[how] ?? 0) + 1;
      }
    },
    done: () => ({ sent: result.sent, bytes: result.bytes, tookMs: result.tookMs, acknowledged, answers, improper }),
  };
  return result;
}

/** Where the prefixes stand in a body. */
function placesIn(body) {
  const mark = Buffer.from("f".repeat(PREFIX_CHARACTERS), "hex");
  const found = [];
  // One byte on and not a whole mark: nothing says that what follows does not begin with it.
  for (let at = body.indexOf(mark); at >= 0; at = body.indexOf(mark, at + 1)) found.push(at);
  if (found.length !== SPANS_PER_REQUEST) throw new Error(`${found.length} trace ids found in a body of ${SPANS_PER_REQUEST} spans`);
  return found;
}
