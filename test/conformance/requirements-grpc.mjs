/** What OTLP and gRPC ask of the gRPC side, and what the exporters of OpenTelemetry JS make of all of it. */
import assert from "node:assert/strict";
import { connect } from "node:http2";
import { OTLPLogExporter } from "@opentelemetry/exporter-logs-otlp-proto";
import { OTLPTraceExporter as GrpcExporter } from "@opentelemetry/exporter-trace-otlp-grpc";
import { OTLPTraceExporter as JsonExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as ProtobufExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from "@opentelemetry/sdk-logs";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { loadConfig } from "../../dist/src/config/load-config.js";
import { frame, GRPC, grpc } from "./client.mjs";
import { aSpan, traces } from "./messages.mjs";

const row = (section, requirement, method, check) => ({ transport: "gRPC", section, requirement, method, check });
const EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

export const overGrpc = [
  row("OTLP/gRPC Default Port", "The default port is 4317", "the default of the setting", async () => {
    assert.equal(loadConfig({ env: {} }).otlpGrpcPort, 4317);
  }),
  row("OTLP/gRPC", "A success ends with grpc-status 0 in the trailers, after one message", "headers, message and trailers", async (at) => {
    const answer = await GRPC.send(at, "traces", traces(aSpan()));
    assert.deepEqual([answer.httpStatus, answer.headers["grpc-status"], answer.trailers["grpc-status"]], [200, undefined, "0"]);
    assert.match(answer.headers["content-type"], /^application\/grpc(\+proto)?$/);
  }),
  row("OTLP/gRPC", "An unknown method or service is UNIMPLEMENTED", "two paths", async (at) => {
    for (const path of ["/opentelemetry.proto.collector.trace.v1.TraceService/Other", "/grpc.health.v1.Health/Check"])
      assert.equal((await grpc(at.grpcUrl, { path, headers: {}, bytes: frame(Buffer.alloc(0), 0) })).code, 12);
  }),
  row("OTLP/gRPC", "An unknown compression is UNIMPLEMENTED, and the known ones are named", "grpc-encoding: snappy", async (at) => {
    const { code, headers } = await GRPC.send(at, "traces", traces(aSpan()), { encoding: "snappy" });
    assert.deepEqual([code, headers["grpc-accept-encoding"]], [12, "identity,gzip"]);
  }),
  row("OTLP/gRPC", "What is not gRPC is answered in HTTP", "415 for another content type, 405 for another method", async (at) => {
    const call = (headers) => grpc(at.grpcUrl, { path: EXPORT, headers, bytes: Buffer.alloc(0) });
    assert.equal((await call({ "content-type": "application/json" })).httpStatus, 415);
    assert.equal((await call({ ":method": "PUT" })).httpStatus, 405);
  }),
  row("OTLP/gRPC", "A unary call has exactly one message", "none, two, and one that is cut off are INVALID_ARGUMENT", async (at) => {
    const one = frame(GRPC.body("traces", traces(aSpan())), 0);
    for (const frames of [Buffer.alloc(0), Buffer.concat([one, one]), one.subarray(0, one.length - 1)])
      assert.equal((await GRPC.send(at, "traces", {}, { frames })).code, 3);
  }),
  row(
    "OTLP/gRPC Concurrent Requests",
    "Many calls run over one connection at a time",
    "100 streams; each span is read back",
    async (at) => {
      const session = connect(at.grpcUrl);
      const spans = Array.from({ length: 100 }, () => aSpan());
      const answers = await Promise.all(spans.map((span) => GRPC.send(at, "traces", traces(span), { session })));
      session.close();
      assert.ok(answers.every(({ ok }) => ok));
      for (const { traceId } of spans) assert.equal((await at.stored(traceId)).spans.length, 1);
    },
  ),
  row(
    "OTLP/gRPC Throttling",
    "RESOURCE_EXHAUSTED has RetryInfo only if it may work later",
    "too large: no RetryInfo",
    async ({ small }) => {
      const { code, status } = await GRPC.send(small, "traces", traces(aSpan({ name: "x".repeat(1_100_000) })));
      assert.deepEqual([code, status.details], [8, []]);
    },
  ),
  row("beyond OTLP", "With a token set, every call without it is UNAUTHENTICATED", "none, a wrong one, the right one", async (at) => {
    const send = async (headers) => (await GRPC.send(at.guarded, "traces", traces(aSpan()), { headers })).code;
    assert.deepEqual(
      [await send({}), await send({ authorization: "Bearer wrong" }), await send({ authorization: `Bearer ${at.token}` })],
      [16, 16, 0],
    );
  }),
];

function sdkSpans() {
  const memory = new InMemorySpanExporter();
  const tracer = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(memory)] }).getTracer("stock");
  tracer.startSpan("chat", { attributes: { "gen_ai.operation.name": "chat" } }).end();
  return memory.getFinishedSpans();
}

async function exported(exporter, items) {
  const { code, error } = await new Promise((resolve) => exporter.export(items, resolve));
  await exporter.shutdown();
  assert.equal(code, 0, error?.message);
}

const STOCK = [
  ["HTTP/protobuf", ProtobufExporter, (at) => `${at.httpUrl}/v1/traces`],
  ["HTTP/JSON", JsonExporter, (at) => `${at.httpUrl}/v1/traces`],
  ["gRPC", GrpcExporter, (at) => at.grpcUrl],
];

export const stockExporters = [
  ...STOCK.flatMap(([transport, Exporter, url]) =>
    ["none", "gzip"].map((compression) => ({
      transport,
      section: "stock exporter",
      requirement: `The trace exporter of OpenTelemetry JS is served, compression ${compression}`,
      method: "its span is read back from the store",
      check: async (at) => {
        const spans = sdkSpans();
        await exported(new Exporter({ url: url(at), compression }), spans);
        const { traceId, spanId } = spans[0].spanContext();
        assert.equal((await at.stored(traceId)).spans[0].spanId, spanId);
      },
    })),
  ),
  ...STOCK.slice(0, 2).map(([transport, Exporter]) => ({
    transport,
    section: "OTLP/HTTP Throttling",
    requirement: "The trace exporter of OpenTelemetry JS delivers after a fault that passed",
    method: "the store fails once; the exporter waits for Retry-After and succeeds within its 10 s",
    check: async (at) => exported(new Exporter({ url: `${at.away.once()}/v1/traces` }), sdkSpans()),
  })),
  {
    transport: "HTTP/protobuf",
    section: "stock exporter",
    requirement: "The log exporter of OpenTelemetry JS is served",
    method: "an export of one record outside of any trace",
    check: async (at) => {
      const memory = new InMemoryLogRecordExporter();
      const logger = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter: memory })] }).getLogger("stock");
      logger.emit({ eventName: "gen_ai.choice", body: "hi" });
      await exported(new OTLPLogExporter({ url: `${at.httpUrl}/v1/logs` }), memory.getFinishedLogRecords());
    },
  },
];
