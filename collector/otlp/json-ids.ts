import type { LearnError } from "../../src/base/error.ts";
import { createJsonScanner, type JsonVisitor } from "./json-scanner.ts";
import { type FormatReader, notOtlp, type TraceIdOptions, tooManyItems } from "./trace-ids.ts";

// One attribute in JSON is two objects and two commas, so four marks make what protobuf counts as one item.
const MARKS_PER_ITEM = 4;

const GROUPS = {
  traces: ["resourceSpans", "scopeSpans", "spans"],
  logs: ["resourceLogs", "scopeLogs", "logRecords"],
} as const;

const FOREIGN_KEYS = new Set(["resourceSpans", "resourceLogs", "resourceMetrics", "resource_spans", "resource_logs", "resource_metrics"]);

// Depth of the objects that lead to an item, and of the item itself: {"resourceSpans":[{"scopeSpans":[{"spans":[{
const ROOT = 1;
const ITEM = 7;

/** The answers of `createProtobufIdReader` for OTLP in JSON, where ids are hex in either case. */
export function createJsonIdReader({ signal, maxItems }: Omit<TraceIdOptions, "contentType">): FormatReader {
  const names = GROUPS[signal];
  const traceIds = new Set<string>();
  let items = 0;
  let rejected = 0;
  let badTraceIds = 0;
  // `onPath`: how deep the way from the root to where we are leads along the lists above. One deeper than that is some other value.
  let onPath = 0;
  let key = "";
  // Lists of the open objects that came already, by depth. JSON.parse would take the last of two and lose the spans of the first.
  const seen = [false, false, false, false, false, false];
  let foreign: string | undefined;
  let traceId: unknown;
  let spanId: unknown;

  const visitor: JsonVisitor = {
    wantsText: (depth, isKey) =>
      depth === onPath && depth % 2 === 1 && (isKey || (depth === ITEM && (key === "traceId" || key === "spanId"))),
    key(depth, text) {
      key = text;
      if (depth === ITEM) return;
      if (text === nameAt(depth)) {
        if (seen[depth] === true) throw invalid(`has ${text} twice in one object`);
        seen[depth] = true;
      } else if (depth === ROOT && FOREIGN_KEYS.has(text)) foreign = text;
    },
    open(depth, kind) {
      // Depth of what is opened; its owner is one above.
      if (depth !== onPath + 1 || onPath >= ITEM) return;
      if (depth % 2 === 1) {
        if (kind !== "object") throw notAnObject(depth);
        onPath = depth;
        if (depth < ITEM) seen[depth] = false;
        else [traceId, spanId] = [undefined, undefined];
      } else if (key === nameAt(onPath)) {
        if (kind !== "array") throw invalid(`has ${key} that is not a list`);
        onPath = depth;
      }
    },
    scalar(depth, value) {
      if (depth !== onPath) return;
      if (depth === ITEM) {
        if (key === "traceId") traceId = value;
        else if (key === "spanId") spanId = value;
      } else if (depth % 2 === 0) throw notAnObject(depth + 1);
      // In proto3 JSON, absent and null both mean the empty list.
      else if (key === nameAt(depth) && value !== null) throw invalid(`has ${key} that is not a list`);
    },
    close(depth) {
      if (depth !== onPath) {
        // An id that is a list or an object.
        if (depth === ITEM + 1 && onPath === ITEM) visitor.scalar(ITEM, 0);
        return;
      }
      onPath = depth - 1;
      if (depth === ITEM) item();
    },
    marks(count) {
      if (count > maxItems * MARKS_PER_ITEM) throw tooManyItems(maxItems);
    },
    invalid,
  };
  const scanner = createJsonScanner(visitor);

  return {
    feed: scanner.feed,
    end() {
      scanner.end();
      // Unknown keys are ignored, but spans under a key that is known to be wrong would vanish behind a 200.
      if (seen[ROOT] !== true && foreign !== undefined) throw invalid(`has ${foreign} where ${names[0]} belongs`);
      return { traceIds: [...traceIds], items, rejected, badTraceIds };
    },
  };

  /** The list that leads on from an object of the path. */
  function nameAt(depth: number): string {
    return names[(depth - 1) / 2] as string;
  }

  function notAnObject(depth: number): LearnError {
    const what = depth === ROOT ? "the request" : `an element of ${nameAt(depth - 2)}`;
    return invalid(`has something else than an object as ${what}`);
  }

  function item(): void {
    items += 1;
    if (items > maxItems) throw tooManyItems(maxItems);
    const trace = idState(traceId, 32);
    const span = idState(spanId, 16);
    const badTrace = signal === "traces" ? trace !== "set" : trace === "bad";
    const badSpan = signal === "traces" ? span !== "set" : span === "bad";
    if (badTrace) badTraceIds += 1;
    if (badTrace || badSpan) rejected += 1;
    else if (trace === "set") traceIds.add((traceId as string).toLowerCase());
  }

  function invalid(what: string): LearnError {
    return notOtlp(signal, "JSON", what);
  }
}

function idState(id: unknown, length: number): "set" | "unset" | "bad" {
  if (id === undefined || id === null || id === "") return "unset";
  if (typeof id !== "string" || id.length !== length || !/^[0-9a-f]+$/i.test(id)) return "bad";
  return /^0+$/.test(id) ? "unset" : "set";
}
