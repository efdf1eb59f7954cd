import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { OTLPLogExporter as JsonLogExporter2 } from "@opentelemetry/exporter-logs-otlp-http";
import { OTLPLogExporter as ProtobufLogExporter2 } from "@opentelemetry/exporter-logs-otlp-proto";
import { OTLPTraceExporter as GrpcExporter2 } from "@opentelemetry/exporter-trace-otlp-grpc";
import { OTLPTraceExporter as JsonExporter2 } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as ProtobufExporter2 } from "@opentelemetry/exporter-trace-otlp-proto";
import * as transformer2 from "@opentelemetry/otlp-transformer";
import { type SdkLine, sdk2 } from "./otlp.ts";

export interface Exporter {
  export(items: unknown[], done: (result: { readonly code: number; readonly error?: Error }) => void): void;
  shutdown(): Promise<void>;
}
export type ExporterClass = new (options: { readonly url: string; readonly compression?: "none" | "gzip" }) => Exporter;
export interface Serializer {
  serializeRequest(items: unknown[]): Uint8Array | undefined;
}

/** One way to the receiver: a stock exporter, and what it ought to put on the wire. */
export interface Wire {
  readonly name: "protobuf over HTTP" | "JSON over HTTP" | "gRPC";
  readonly transport: "http" | "grpc";
  readonly format: "otlp-protobuf" | "otlp-json";
  readonly serializer: Serializer;
  readonly Exporter: ExporterClass;
  readonly path: string;
}

/** An SDK of one major version with the exporters that are published for it. */
export interface ExporterLine {
  readonly name: "2.x" | "3.x";
  readonly sdk: SdkLine;
  readonly traces: readonly Wire[];
  readonly logs: readonly Wire[];
}

interface Classes {
  readonly protobuf: unknown;
  readonly json: unknown;
  readonly grpc?: unknown;
}

function wires(signal: "traces" | "logs", classes: Classes, protobuf: unknown, json: unknown): readonly Wire[] {
  const path = `/v1/${signal}`;
  const all = [
    { name: "protobuf over HTTP", transport: "http", format: "otlp-protobuf", serializer: protobuf, Exporter: classes.protobuf, path },
    { name: "JSON over HTTP", transport: "http", format: "otlp-json", serializer: json, Exporter: classes.json, path },
    { name: "gRPC", transport: "grpc", format: "otlp-protobuf", serializer: protobuf, Exporter: classes.grpc, path: "" },
  ];
  return all.filter(({ Exporter }) => Exporter !== undefined) as readonly Wire[];
}

const line2: ExporterLine = {
  name: "2.x",
  sdk: sdk2,
  traces: wires(
    "traces",
    { protobuf: ProtobufExporter2, json: JsonExporter2, grpc: GrpcExporter2 },
    transformer2.ProtobufTraceSerializer,
    transformer2.JsonTraceSerializer,
  ),
  logs: wires(
    "logs",
    { protobuf: ProtobufLogExporter2, json: JsonLogExporter2 },
    transformer2.ProtobufLogsSerializer,
    transformer2.JsonLogsSerializer,
  ),
};

const PEER = new URL("../peers/otel-3/", import.meta.url);

function line3(): ExporterLine | string {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major < 22 || (major === 22 && minor < 15)) return `SDK 3 needs Node 22.15, this is ${process.versions.node}`;
  if (!existsSync(fileURLToPath(new URL("node_modules/@opentelemetry/exporter-logs-otlp-grpc/package.json", PEER))))
    return "they are not installed under test/peers/otel-3: npm run peers";
  const load = createRequire(new URL("package.json", PEER));
  const [api, trace, logs, transformer] = [
    load("@opentelemetry/api"),
    load("@opentelemetry/sdk-trace"),
    load("@opentelemetry/sdk-logs"),
    load("@opentelemetry/otlp-transformer"),
  ];
  const exporter = (signal: "trace" | "logs", wire: "proto" | "http" | "grpc") => {
    const loaded = load(`@opentelemetry/exporter-${signal}-otlp-${wire}`);
    return signal === "trace" ? loaded.OTLPTraceExporter : loaded.OTLPLogExporter;
  };
  const classes = (signal: "trace" | "logs"): Classes => ({
    protobuf: exporter(signal, "proto"),
    json: exporter(signal, "http"),
    grpc: exporter(signal, "grpc"),
  });
  return {
    name: "3.x",
    sdk: { api, TracerProvider: trace.TracerProvider, LoggerProvider: logs.LoggerProvider },
    traces: wires("traces", classes("trace"), transformer.ProtobufTraceSerializer, transformer.JsonTraceSerializer),
    logs: wires("logs", classes("logs"), transformer.ProtobufLogsSerializer, transformer.JsonLogsSerializer),
  };
}

const third = line3();
if (typeof third === "string") console.warn(`skipped: exporters of the 3.x line, because ${third}`);

/** Every line that runs here. */
export const exporterLines: readonly ExporterLine[] = typeof third === "string" ? [line2] : [line2, third];
