import * as api from "@opentelemetry/api";
import { LoggerProvider, type ReadableLogRecord } from "@opentelemetry/sdk-logs";
import { BasicTracerProvider, type ReadableSpan } from "@opentelemetry/sdk-trace-base";
import { messageField, stringField } from "../../collector/otlp/wire-writer.ts";

type ProviderClass<Method extends string, Made> = new (options: object) => { readonly [key in Method]: (name: string) => Made };

/** What makes spans and log records. Structural, because two major versions of the SDK share no types. */
export interface SdkLine {
  readonly api: typeof api;
  readonly TracerProvider: ProviderClass<"getTracer", api.Tracer>;
  readonly LoggerProvider: ProviderClass<"getLogger", { emit(record: object): void }>;
}

export const sdk2: SdkLine = { api, TracerProvider: BasicTracerProvider, LoggerProvider };

const ignored = { onStart: () => undefined, forceFlush: async () => undefined, shutdown: async () => undefined };

/** Ended SDK spans: `traces` roots with `children` spans below each; every span has attributes, children have an event and a link too. */
export function sdkSpans({ traces = 1, children = 1, attributes = 3 } = {}, { api, TracerProvider }: SdkLine = sdk2): ReadableSpan[] {
  const ended: ReadableSpan[] = [];
  const tracer = new TracerProvider({ spanProcessors: [{ ...ignored, onEnd: (span: ReadableSpan) => void ended.push(span) }] }).getTracer(
    "test",
  );
  const values = Object.fromEntries(Array.from({ length: attributes }, (_unused, index) => [`test.attribute.${index}`, `value ${index}`]));
  for (let root = 0; root < traces; root += 1) {
    const parent = tracer.startSpan(
      "invoke_agent",
      { attributes: { ...values, "test.list": ["a", "b"], "test.number": 1.5 } },
      api.ROOT_CONTEXT,
    );
    for (let child = 0; child < children; child += 1) {
      const links = [{ context: parent.spanContext() }];
      const span = tracer.startSpan("chat", { attributes: values, links }, api.trace.setSpan(api.ROOT_CONTEXT, parent));
      span.addEvent("event", values);
      span.end();
    }
    parent.end();
  }
  return ended;
}

/** SDK log records outside of any trace, with a structured body. */
export function sdkLogs(count = 1, { LoggerProvider }: SdkLine = sdk2): ReadableLogRecord[] {
  const emitted: ReadableLogRecord[] = [];
  const logger = new LoggerProvider({
    processors: [{ ...ignored, onEmit: (record: ReadableLogRecord) => void emitted.push(record) }],
  }).getLogger("test");
  for (let index = 0; index < count; index += 1) {
    logger.emit({ eventName: "gen_ai.choice", body: { message: { role: "assistant", content: `hello ${index}` } }, attributes: { index } });
  }
  return emitted;
}

export const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
export const SPAN_ID = "b7ad6b7169203331";

/** A traces request in protobuf with one span for each pair of ids, given in hex of any length. */
export function protobufTraces(ids: readonly (readonly [traceId: string, spanId: string])[], ...extra: Uint8Array[]): Uint8Array {
  const spans = ids.map(([traceId, spanId]) =>
    messageField(2, [bytesField(1, traceId), bytesField(2, spanId), stringField(5, "span"), ...extra]),
  );
  return messageField(1, [messageField(2, spans)]);
}

/** The same in JSON. */
export function jsonTraces(ids: readonly (readonly [traceId: unknown, spanId: unknown])[], extra: object = {}): Uint8Array {
  const spans = ids.map(([traceId, spanId]) => ({ traceId, spanId, name: "span", ...extra }));
  return Buffer.from(JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] }));
}

export function bytesField(field: number, hex: string): Uint8Array {
  return messageField(field, [Buffer.from(hex, "hex")]);
}
