import { readdirSync, readFileSync } from "node:fs";
import { normalise } from "../../../src/span/normalise.ts";
import { decodeJson } from "../../../src/span/otlp/decode-json.ts";
import type { RawBatch, RawLog, RawSpan } from "../../../src/span/raw-span.ts";
import type { Span } from "../../../src/span/span.ts";

const FOLDER = new URL("../../fixtures/spans/", import.meta.url);

/** Recordings of in-process hooks, which are lists and no OTLP requests: see `native-payloads.ts`. */
export const NATIVE_PAYLOADS: readonly string[] = namesWhere((text) => !text.startsWith("{"));

/** Recorded OTLP/JSON requests, without ".json". */
export const OTLP_PAYLOADS: readonly string[] = namesWhere((text) => text.startsWith("{"));

function namesWhere(fits: (text: string) => boolean): readonly string[] {
  const files = readdirSync(FOLDER).filter((file) => fits(readFileSync(new URL(file, FOLDER), "utf8")));
  return files.map((file) => file.replace(/\.json$/, "")).sort();
}

export function batchOf(name: string): RawBatch {
  const body = readFileSync(new URL(`${name}.json`, FOLDER));
  return { spans: decodeJson(body, "traces").batch.spans, logs: decodeJson(body, "logs").batch.logs };
}

export function logsOf(span: Pick<RawSpan, "traceId" | "spanId">, logs: readonly RawLog[]): readonly RawLog[] {
  return logs.filter((log) => log.traceId === span.traceId && log.spanId === span.spanId);
}

export function normalised({ spans, logs }: RawBatch): readonly Span[] {
  return spans.map((span) => normalise(span, logsOf(span, logs)));
}
