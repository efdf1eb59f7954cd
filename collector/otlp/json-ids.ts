import { LearnError, messageOf } from "../../src/base/error.ts";
import type { TraceIds } from "./trace-ids.ts";

// One attribute in JSON is two objects and two commas, so four marks make what protobuf counts as one item.
const MARKS_PER_ITEM = 4;
// The same depth of attribute values as in protobuf: 12 brackets lead to one, and each level of a list of pairs takes 4 more.
const MAX_DEPTH = 134;

const GROUPS = {
  traces: { resources: "resourceSpans", scopes: "scopeSpans", items: "spans" },
  logs: { resources: "resourceLogs", scopes: "scopeLogs", items: "logRecords" },
} as const;

const FOREIGN_KEYS = ["resourceSpans", "resourceLogs", "resourceMetrics", "resource_spans", "resource_logs", "resource_metrics"];

/** The answers of `readProtobufIds` for OTLP in JSON, where ids are hex in either case. */
export function readJsonIds(body: Uint8Array, signal: "traces" | "logs", maxItems: number): TraceIds {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  checkStructure(bytes, signal, maxItems);
  const names = GROUPS[signal];
  const traceIds = new Set<string>();
  let items = 0;
  let rejected = 0;
  let badTraceIds = 0;

  const root = record(parse(bytes, signal), "the request", signal);
  if (root[names.resources] === undefined) {
    // Unknown keys are ignored, but spans under a key that is known to be wrong would vanish behind a 200.
    const foreign = FOREIGN_KEYS.find((key) => root[key] !== undefined);
    if (foreign !== undefined) throw invalid(signal, `has ${foreign} where ${names.resources} belongs`);
  }
  for (const resource of list(root, names.resources, signal)) {
    for (const scope of list(resource, names.scopes, signal)) {
      for (const item of list(scope, names.items, signal)) {
        items += 1;
        const trace = idState(item["traceId"], 32);
        const span = idState(item["spanId"], 16);
        const badTrace = signal === "traces" ? trace !== "set" : trace === "bad";
        const badSpan = signal === "traces" ? span !== "set" : span === "bad";
        if (badTrace) badTraceIds += 1;
        if (badTrace || badSpan) rejected += 1;
        else if (trace === "set") traceIds.add((item["traceId"] as string).toLowerCase());
      }
    }
  }
  return { traceIds: [...traceIds], items, rejected, badTraceIds };
}

function idState(id: unknown, length: number): "set" | "unset" | "bad" {
  if (id === undefined || id === null || id === "") return "unset";
  if (typeof id !== "string" || id.length !== length || !/^[0-9a-f]+$/i.test(id)) return "bad";
  return /^0+$/.test(id) ? "unset" : "set";
}

/** JSON.parse needs 75 bytes for each `{}`, so marks are counted in the raw bytes before anything is made of them. */
function checkStructure(bytes: Buffer, signal: string, maxItems: number): void {
  let marks = 0;
  let depth = 0;
  let inString = false;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (inString) {
      if (byte === 0x5c) at += 1;
      else if (byte === 0x22) inString = false;
      continue;
    }
    if (byte === 0x22) inString = true;
    else if (byte === 0x2c) marks += 1;
    else if (byte === 0x7b || byte === 0x5b) {
      marks += 1;
      depth += 1;
      if (depth > MAX_DEPTH) throw invalid(signal, `is nested more than ${MAX_DEPTH} brackets deep`);
    } else if (byte === 0x7d || byte === 0x5d) depth -= 1;
  }
  if (marks > maxItems * MARKS_PER_ITEM) {
    throw new LearnError("too-large", `the body holds more than ${maxItems} spans, events and attributes`, {
      hint: "send smaller batches",
    });
  }
}

function parse(bytes: Buffer, signal: string): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch (caught) {
    throw invalid(signal, `does not parse: ${messageOf(caught).slice(0, 200)}`);
  }
}

function record(value: unknown, what: string, signal: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw invalid(signal, `has something else than an object as ${what}`);
  return value as Record<string, unknown>;
}

/** In proto3 JSON, absent and null both mean the empty list. */
function list(owner: Readonly<Record<string, unknown>>, key: string, signal: string): readonly Readonly<Record<string, unknown>>[] {
  const value = owner[key] ?? [];
  if (!Array.isArray(value)) throw invalid(signal, `has ${key} that is not a list`);
  return value.map((element) => record(element, `an element of ${key}`, signal));
}

function invalid(signal: string, what: string): LearnError {
  return new LearnError("invalid", `the body is not OTLP ${signal} in JSON: it ${what}`, {
    hint: "check the signal in the path, and that Content-Type and Content-Encoding say what the body is",
  });
}
