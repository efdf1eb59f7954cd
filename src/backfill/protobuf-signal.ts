import { LearnError } from "../base/error.ts";
import { BYTES, createWireReader, each, FIXED64, type WireReader } from "../span/otlp/wire.ts";

const TRACE_ID_BYTES = 16;
const SPAN_ID_BYTES = 8;

/**
 * Which request protobuf bytes hold. The three kinds share their outer field numbers, so the first item decides, by fields that only one of them has
 * with that wire type: spans have their times in 7 and 8 as fixed64, log records theirs in 1 and 11, metrics no fixed64 at all.
 * Throws "invalid" for broken bytes and for what is none of the three.
 */
export function protobufSignal(bytes: Uint8Array): "traces" | "logs" | "metrics" | "empty" {
  const item = firstItem(createWireReader(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)));
  if (item === undefined) return "empty";
  const lengths = new Map<number, number>();
  const fixed64 = new Set<number>();
  each(item, (field) => {
    const type = item.wireType();
    if (type === BYTES) lengths.set(field, item.hex().length / 2);
    else {
      if (type === FIXED64) fixed64.add(field);
      item.skip();
    }
  });
  if (fixed64.has(7) || fixed64.has(8)) return "traces";
  if (fixed64.has(1) || fixed64.has(11)) return "logs";
  if (lengths.get(1) === TRACE_ID_BYTES && lengths.get(2) === SPAN_ID_BYTES) return "traces";
  if (lengths.get(9) === TRACE_ID_BYTES && lengths.get(10) === SPAN_ID_BYTES) return "logs";
  if (lengths.has(1) && [5, 7, 9, 10, 11].some((data) => lengths.has(data))) return "metrics";
  throw new LearnError("invalid", "the message is neither spans nor log records nor metrics");
}

/** The first span, log record or metric: request.1 resource.2 scope.2. */
function firstItem(request: WireReader): WireReader | undefined {
  return first(request, 1, (resource) => first(resource, 2, (scope) => first(scope, 2, (item) => item)));
}

function first(reader: WireReader, wanted: number, inside: (message: WireReader) => WireReader | undefined): WireReader | undefined {
  let found: WireReader | undefined;
  each(reader, (field) => {
    if (field === wanted && reader.wireType() === BYTES && found === undefined) found = inside(reader.message());
    else reader.skip();
  });
  return found;
}
