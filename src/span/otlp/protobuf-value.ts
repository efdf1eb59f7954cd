import type { AttributeValue } from "../raw-span.ts";
import { assign, type Budget, RejectedItem } from "./decode.ts";
import { BYTES, each, FIXED64, VARINT, type WireReader } from "./wire.ts";

/** A message whose field 1 is a repeated KeyValue: Resource, KeyValueList. */
export function readAttributes(reader: WireReader, budget: Budget, depth: number = budget.maxDepth): { [key: string]: AttributeValue } {
  const attributes: { [key: string]: AttributeValue } = {};
  each(reader, (field) => {
    if (field === 1 && reader.wireType() === BYTES) readKeyValue(reader.message(), attributes, budget, depth);
    else reader.skip();
  });
  return attributes;
}

export function readKeyValue(reader: WireReader, into: { [key: string]: AttributeValue }, budget: Budget, depth: number): void {
  let key = "";
  let value: AttributeValue = null;
  // Loops and not `each`, here and below: these two run for every attribute, and a closure apiece is garbage.
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (reader.wireType() !== BYTES) reader.skip();
    else if (field === 1) key = reader.name();
    else if (field === 2) value = readValue(reader.message(), budget, depth);
    else reader.skip();
  }
  budget.spend();
  assign(into, key, value);
}

/** An AnyValue; an empty one is null. */
export function readValue(reader: WireReader, budget: Budget, depth: number): AttributeValue {
  budget.spend();
  if (depth <= 0) throw new RejectedItem(`attribute nests deeper than ${budget.maxDepth} levels`);
  let value: AttributeValue = null;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    const type = reader.wireType();
    if (field === 1 && type === BYTES) value = reader.text();
    else if (field === 2 && type === VARINT) value = reader.uint32() !== 0;
    else if (field === 3 && type === VARINT) value = reader.int64();
    else if (field === 4 && type === FIXED64) value = reader.double();
    else if (field === 5 && type === BYTES) value = readArray(reader.message(), budget, depth - 1);
    else if (field === 6 && type === BYTES) value = readAttributes(reader.message(), budget, depth - 1);
    else if (field === 7 && type === BYTES) value = reader.base64();
    else reader.skip();
  }
  return value;
}

function readArray(reader: WireReader, budget: Budget, depth: number): AttributeValue {
  const values: AttributeValue[] = [];
  each(reader, (field) => {
    if (field === 1 && reader.wireType() === BYTES) values.push(readValue(reader.message(), budget, depth));
    else reader.skip();
  });
  return values;
}
