import { gunzipSync } from "node:zlib";
import { OTLPLogExporter as JsonLogExporter } from "@opentelemetry/exporter-logs-otlp-http";
import { OTLPLogExporter as ProtobufLogExporter } from "@opentelemetry/exporter-logs-otlp-proto";
import { OTLPTraceExporter as GrpcExporter } from "@opentelemetry/exporter-trace-otlp-grpc";
import { OTLPTraceExporter as JsonExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as ProtobufExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { JsonTraceSerializer, ProtobufLogsSerializer, ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import { describe, expect, test } from "vitest";
import { LearnError } from "../../src/base/error.ts";
import type { RawBody } from "../../src/store/ports.ts";
import { sdkLogs, sdkSpans } from "../support/otlp.ts";
import { decodeStatus, NOW_US, startReceiver } from "../support/receiver.ts";

type ExportResult = { readonly code: number; readonly error?: Error };
type Compression = "none" | "gzip";
type Exporter<Item> = { export(items: Item[], done: (result: ExportResult) => void): void; shutdown(): Promise<void> };

const TRANSPORTS = [
  ["protobuf over HTTP", "http", "otlp-protobuf", ProtobufTraceSerializer, ProtobufExporter, "/v1/traces"],
  ["JSON over HTTP", "http", "otlp-json", JsonTraceSerializer, JsonExporter, "/v1/traces"],
  ["gRPC", "grpc", "otlp-protobuf", ProtobufTraceSerializer, GrpcExporter, ""],
] as const;

describe.each(TRANSPORTS)("the stock trace exporter for %s", (_name, transport, format, serializer, TraceExporter, path) => {
  test.each(["none", "gzip"] as const)("delivers its bytes unchanged with compression %s", async (compression) => {
    const receiver = await startReceiver(transport);
    const spans = sdkSpans({ traces: 3, children: 5 });
    const exporter = new TraceExporter({ url: receiver.url + path, compression: compression as never });
    expect(await send(exporter, spans)).toEqual({ code: 0 });

    const raw = receiver.bodies[0] as RawBody;
    expect(receiver.bodies).toHaveLength(1);
    expect(Buffer.from(plain(raw))).toEqual(Buffer.from(serializer.serializeRequest(spans) as Uint8Array));
    expect({ ...raw, body: undefined }).toEqual({
      format,
      signal: "traces",
      encoding: compression === "gzip" ? "gzip" : "identity",
      body: undefined,
      receivedAtUs: NOW_US,
      traceIds: [...new Set(spans.map((span) => span.spanContext().traceId))],
    });
    await receiver.close();
  });

  test("delivers 2,000 spans in one request", async () => {
    const receiver = await startReceiver(transport);
    const spans = sdkSpans({ traces: 20, children: 99, attributes: 20 });
    expect(await send(new TraceExporter({ url: receiver.url + path }), spans)).toEqual({ code: 0 });
    expect(receiver.bodies[0]?.traceIds).toHaveLength(20);
    await receiver.close();
  });
});

test.each(TRANSPORTS.filter(([, transport]) => transport === "http"))(
  "the stock trace exporter for %s comes back after the store was away",
  async (_name, transport, _format, _serializer, TraceExporter, path) => {
    const receiver = await startReceiver(transport, { beforeAppend: failOnce(new LearnError("unavailable", "the disk is full")) });
    const started = performance.now();
    expect(await send(new TraceExporter({ url: receiver.url + path }), sdkSpans())).toEqual({ code: 0 });
    expect(receiver.bodies).toHaveLength(1);
    expect(performance.now() - started).toBeGreaterThan(900);
    await receiver.close();
  },
);

// The JavaScript exporter for gRPC has no retry of its own; those of other languages read the code and RetryInfo.
test("the stock gRPC exporter hears UNAVAILABLE with RetryInfo when the store is away", async () => {
  const receiver = await startReceiver("grpc", { beforeAppend: failOnce(new LearnError("unavailable", "the disk is full")) });
  const { error } = await send(new GrpcExporter({ url: receiver.url }), sdkSpans());
  const { code, details, metadata } = error as unknown as { code: number; details: string; metadata: { get(key: string): Buffer[] } };
  expect([code, details]).toEqual([14, "the disk is full"]);
  expect(decodeStatus(metadata.get("grpc-status-details-bin")[0] as Buffer).details).toEqual(["RetryInfo"]);
  await receiver.close();
});

test.each(["none", "gzip"] as const)("the stock log exporters deliver with compression %s", async (compression: Compression) => {
  const receiver = await startReceiver("http");
  const logs = sdkLogs(4);
  const options = { url: `${receiver.url}/v1/logs`, compression: compression as never };
  expect(await send(new ProtobufLogExporter(options), logs)).toEqual({ code: 0 });
  expect(await send(new JsonLogExporter(options), logs)).toEqual({ code: 0 });
  expect(receiver.bodies.map(({ signal, format }) => [signal, format])).toEqual([
    ["logs", "otlp-protobuf"],
    ["logs", "otlp-json"],
  ]);
  expect(Buffer.from(plain(receiver.bodies[0] as RawBody))).toEqual(
    Buffer.from(ProtobufLogsSerializer.serializeRequest(logs) as Uint8Array),
  );
  await receiver.close();
});

test("ten exporters at once lose nothing", async () => {
  const receiver = await startReceiver("http");
  const batches = Array.from({ length: 10 }, () => sdkSpans({ traces: 2 }));
  const url = `${receiver.url}/v1/traces`;
  const results = await Promise.all(batches.map((spans) => send(new ProtobufExporter({ url }), spans)));
  expect(results.every((result) => result.code === 0)).toBe(true);
  const sent = batches.flat().map((span) => span.spanContext().traceId);
  expect(new Set(receiver.bodies.flatMap(({ traceIds }) => traceIds))).toEqual(new Set(sent));
  await receiver.close();
});

function failOnce(error: Error): () => void {
  let failed = false;
  return () => {
    if (failed) return;
    failed = true;
    throw error;
  };
}

async function send<Item>(exporter: Exporter<Item>, items: Item[]): Promise<ExportResult> {
  const result = await new Promise<ExportResult>((resolve) => exporter.export(items, resolve));
  await exporter.shutdown();
  return result;
}

function plain({ encoding, body }: RawBody): Uint8Array {
  return encoding === "gzip" ? gunzipSync(body) : body;
}
