import type { Attributes, AttributeValue, RawEvent, RawLink, RawLog, RawSpan, Scope } from "../raw-span.ts";
import {
  type Budget,
  type Collector,
  checkedIds,
  createBudget,
  createCollector,
  type DecodeOptions,
  type DecodeResult,
  isRemoteParent,
  RejectedItem,
  type Signal,
  SPAN_ID,
  TRACE_ID,
} from "./decode.ts";
import { readAttributes, readKeyValue, readValue } from "./protobuf-value.ts";
import { BYTES, createWireReader, each, FIXED32, FIXED64, VARINT, type WireReader } from "./wire.ts";

/**
 * Decodes an OTLP export request. Throws LearnError "invalid" for bytes that are no protobuf and "too-large" beyond `maxItems`.
 * A field of an unexpected wire type is skipped like an unknown one. Logs sent to the traces path (the field numbers overlap) come out as
 * "invalid" or as spans without ids, all rejected.
 */
export function decodeProtobuf(body: Uint8Array, signal: Signal, options: DecodeOptions = {}): DecodeResult {
  const context: Context = { budget: createBudget(options), collector: createCollector() };
  const request = createWireReader(Buffer.from(body.buffer, body.byteOffset, body.byteLength));
  each(request, (field) => {
    if (field !== 1 || request.wireType() !== BYTES) return request.skip();
    readResourceBlock(request.message(), signal, context);
  });
  return context.collector.result();
}

interface Context {
  readonly budget: Budget;
  readonly collector: Collector;
}

/** ResourceSpans or ResourceLogs: 1 resource, 2 scope blocks. The resource may come last on the wire, so blocks wait for it. */
function readResourceBlock(reader: WireReader, signal: Signal, context: Context): void {
  let resource: Attributes = {};
  const blocks: WireReader[] = [];
  each(reader, (field) => {
    if (reader.wireType() !== BYTES || field > 2) return reader.skip();
    if (field === 1) resource = emptyIfTooDeep(() => readAttributes(reader.message(), context.budget));
    else blocks.push(reader.message());
  });
  for (const block of blocks) readScopeBlock(block, resource, signal, context);
}

function readScopeBlock(reader: WireReader, resource: Attributes, signal: Signal, { budget, collector }: Context): void {
  let scope: Scope = { name: "" };
  const items: WireReader[] = [];
  each(reader, (field) => {
    if (reader.wireType() !== BYTES || field > 2) return reader.skip();
    if (field === 1) scope = readScope(reader.message());
    else {
      budget.spend();
      items.push(reader.message());
    }
  });
  for (const item of items) {
    if (signal === "traces") collector.span(() => readSpan(item, resource, scope, budget));
    else collector.log(() => readLog(item, resource, scope, budget));
  }
}

/** A resource that nests too deep is emptied: refusing it would cost all its spans. */
function emptyIfTooDeep(read: () => Attributes): Attributes {
  try {
    return read();
  } catch (caught) {
    if (caught instanceof RejectedItem) return {};
    throw caught;
  }
}

function readScope(reader: WireReader): Scope {
  let name = "";
  let version = "";
  each(reader, (field) => {
    if (reader.wireType() !== BYTES || field > 2) reader.skip();
    else if (field === 1) name = reader.text();
    else version = reader.text();
  });
  return version === "" ? { name } : { name, version };
}

function readSpan(reader: WireReader, resource: Attributes, scope: Scope, budget: Budget): RawSpan {
  let [traceId, spanId, parentSpanId, name] = ["", "", "", ""];
  let [kind, startTimeUs, endTimeUs, flags, droppedCount] = [0, 0, 0, 0, 0];
  let status: RawSpan["status"] = { code: 0 };
  const attributes: { [key: string]: AttributeValue } = {};
  const events: RawEvent[] = [];
  const links: RawLink[] = [];
  each(reader, (field) => {
    const type = reader.wireType();
    if (type === BYTES) {
      if (field === 1) traceId = reader.hex();
      else if (field === 2) spanId = reader.hex();
      else if (field === 4) parentSpanId = reader.hex();
      else if (field === 5) name = reader.text();
      else if (field === 9) readKeyValue(reader.message(), attributes, budget, budget.maxDepth);
      else if (field === 11) events.push(readEvent(reader.message(), budget));
      else if (field === 13) links.push(readLink(reader.message(), budget));
      else if (field === 15) status = readStatus(reader.message());
      else reader.skip();
    } else if (field === 6 && type === VARINT) kind = reader.uint32();
    else if (field === 7 && type === FIXED64) startTimeUs = reader.nanosAsUs();
    else if (field === 8 && type === FIXED64) endTimeUs = reader.nanosAsUs();
    else if (field === 16 && type === FIXED32) flags = reader.fixed32();
    // dropped_attributes_count, dropped_events_count, dropped_links_count
    else if ((field === 10 || field === 12 || field === 14) && type === VARINT) droppedCount += reader.uint32();
    else reader.skip();
  });
  const ids = checkedIds(traceId, spanId, parentSpanId);
  const kept = kind <= 5 ? kind : 0;
  if (isRemoteParent(flags) || droppedCount > 0) {
    const remote = isRemoteParent(flags) ? { remoteParent: true } : {};
    const dropped = droppedCount === 0 ? {} : { droppedCount };
    const times = { name, kind: kept, startTimeUs, endTimeUs };
    return { ...ids, ...remote, ...times, attributes, events, links, status, ...dropped, resource, scope };
  }
  // Nearly every span has one of these two shapes. Put together from pieces, making it was a third of what decoding costs.
  const parent = ids.parentSpanId;
  return parent === undefined
    ? { traceId, spanId, name, kind: kept, startTimeUs, endTimeUs, attributes, events, links, status, resource, scope }
    : {
        traceId,
        spanId,
        parentSpanId: parent,
        name,
        kind: kept,
        startTimeUs,
        endTimeUs,
        attributes,
        events,
        links,
        status,
        resource,
        scope,
      };
}

function readEvent(reader: WireReader, budget: Budget): RawEvent {
  budget.spend();
  let [name, timeUs] = ["", 0];
  const attributes: { [key: string]: AttributeValue } = {};
  each(reader, (field) => {
    const type = reader.wireType();
    if (field === 1 && type === FIXED64) timeUs = reader.nanosAsUs();
    else if (field === 2 && type === BYTES) name = reader.text();
    else if (field === 3 && type === BYTES) readKeyValue(reader.message(), attributes, budget, budget.maxDepth);
    else reader.skip();
  });
  return { name, timeUs, attributes };
}

function readLink(reader: WireReader, budget: Budget): RawLink {
  budget.spend();
  let [traceId, spanId] = ["", ""];
  const attributes: { [key: string]: AttributeValue } = {};
  each(reader, (field) => {
    if (reader.wireType() !== BYTES) reader.skip();
    else if (field === 1) traceId = reader.hex();
    else if (field === 2) spanId = reader.hex();
    else if (field === 4) readKeyValue(reader.message(), attributes, budget, budget.maxDepth);
    else reader.skip();
  });
  return { traceId, spanId, attributes };
}

function readStatus(reader: WireReader): RawSpan["status"] {
  let code = 0;
  let message = "";
  each(reader, (field) => {
    if (field === 2 && reader.wireType() === BYTES) message = reader.text();
    else if (field === 3 && reader.wireType() === VARINT) code = reader.uint32();
    else reader.skip();
  });
  return { code: code === 1 || code === 2 ? code : 0, ...(message === "" ? {} : { message }) };
}

function readLog(reader: WireReader, resource: Attributes, scope: Scope, budget: Budget): RawLog | undefined {
  let [traceId, spanId, eventName] = ["", "", ""];
  let [timeUs, observedUs, droppedCount] = [0, 0, 0];
  let body: AttributeValue = null;
  const attributes: { [key: string]: AttributeValue } = {};
  each(reader, (field) => {
    const type = reader.wireType();
    if (type === BYTES) {
      if (field === 5) body = readValue(reader.message(), budget, budget.maxDepth);
      else if (field === 6) readKeyValue(reader.message(), attributes, budget, budget.maxDepth);
      else if (field === 9) traceId = reader.hex();
      else if (field === 10) spanId = reader.hex();
      else if (field === 12) eventName = reader.text();
      else reader.skip();
    } else if (field === 1 && type === FIXED64) timeUs = reader.nanosAsUs();
    else if (field === 11 && type === FIXED64) observedUs = reader.nanosAsUs();
    else if (field === 7 && type === VARINT) droppedCount = reader.uint32();
    else reader.skip();
  });
  if (!TRACE_ID.test(traceId) || !SPAN_ID.test(spanId)) return undefined;
  const named = eventName === "" ? attributes["event.name"] : eventName;
  return {
    traceId,
    spanId,
    timeUs: timeUs === 0 ? observedUs : timeUs,
    ...(typeof named === "string" && named !== "" ? { eventName: named } : {}),
    body,
    ...(droppedCount === 0 ? {} : { droppedCount }),
    attributes,
    resource,
    scope,
  };
}
