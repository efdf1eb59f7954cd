/** OTLP in protobuf, written from the published schema and sharing nothing with the receiver under test. */

// field name -> [number, type, repeated]. Types in capitals are messages.
const SCHEMA = {
  TracesRequest: { resourceSpans: [1, "ResourceSpans", true] },
  ResourceSpans: { resource: [1, "Resource"], scopeSpans: [2, "ScopeSpans", true], schemaUrl: [3, "string"] },
  ScopeSpans: { scope: [1, "Scope"], spans: [2, "Span", true], schemaUrl: [3, "string"] },
  Span: {
    traceId: [1, "hex"],
    spanId: [2, "hex"],
    traceState: [3, "string"],
    parentSpanId: [4, "hex"],
    name: [5, "string"],
    kind: [6, "varint"],
    startTimeUnixNano: [7, "fixed64"],
    endTimeUnixNano: [8, "fixed64"],
    attributes: [9, "KeyValue", true],
    events: [11, "Event", true],
    links: [13, "Link", true],
    status: [15, "Status"],
    fromALaterVersion: [1000, "string"],
  },
  Event: { timeUnixNano: [1, "fixed64"], name: [2, "string"], attributes: [3, "KeyValue", true] },
  Link: { traceId: [1, "hex"], spanId: [2, "hex"], attributes: [4, "KeyValue", true] },
  Status: { message: [2, "string"], code: [3, "varint"] },
  LogsRequest: { resourceLogs: [1, "ResourceLogs", true] },
  ResourceLogs: { resource: [1, "Resource"], scopeLogs: [2, "ScopeLogs", true] },
  ScopeLogs: { scope: [1, "Scope"], logRecords: [2, "LogRecord", true] },
  LogRecord: {
    timeUnixNano: [1, "fixed64"],
    severityNumber: [2, "varint"],
    body: [5, "AnyValue"],
    attributes: [6, "KeyValue", true],
    traceId: [9, "hex"],
    spanId: [10, "hex"],
    eventName: [12, "string"],
  },
  MetricsRequest: { resourceMetrics: [1, "ResourceMetrics", true] },
  ResourceMetrics: { resource: [1, "Resource"] },
  Resource: { attributes: [1, "KeyValue", true] },
  Scope: { name: [1, "string"], version: [2, "string"] },
  KeyValue: { key: [1, "string"], value: [2, "AnyValue"] },
  AnyValue: {
    stringValue: [1, "string"],
    boolValue: [2, "varint"],
    intValue: [3, "varint"],
    doubleValue: [4, "double"],
    arrayValue: [5, "ArrayValue"],
    kvlistValue: [6, "KeyValueList"],
    bytesValue: [7, "base64"],
  },
  ArrayValue: { values: [1, "AnyValue", true] },
  KeyValueList: { values: [1, "KeyValue", true] },
};

/** Encodes an object in the shape of OTLP/JSON. A name that the schema does not have is a mistake of the test. */
export function encode(type, object) {
  const parts = [];
  for (const [name, value] of Object.entries(object)) {
    const field = SCHEMA[type][name];
    if (field === undefined) throw new Error(`${type} has no field ${name}`);
    const [number, kind, repeated] = field;
    for (const one of repeated ? value : [value]) parts.push(encodeField(number, kind, one));
  }
  return Buffer.concat(parts);
}

function encodeField(number, kind, value) {
  if (kind === "varint") return Buffer.concat([varint(BigInt(number) * 8n), varint(BigInt.asUintN(64, BigInt(value)))]);
  if (kind === "fixed64" || kind === "double") {
    const bytes = Buffer.alloc(8);
    if (kind === "double") bytes.writeDoubleLE(value);
    else bytes.writeBigUInt64LE(BigInt(value));
    return Buffer.concat([varint(BigInt(number) * 8n + 1n), bytes]);
  }
  const bytes = SCHEMA[kind] === undefined ? Buffer.from(value, kind === "string" ? "utf8" : kind) : encode(kind, value);
  return Buffer.concat([varint(BigInt(number) * 8n + 2n), varint(BigInt(bytes.length)), bytes]);
}

function varint(value) {
  const bytes = [];
  let rest = value;
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

/** Fields of a message as [number, value]; length-delimited ones as bytes. Throws on anything cut off. */
export function fieldsOf(bytes) {
  const fields = [];
  let at = 0;
  const number = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      if (at >= bytes.length) throw new Error("the message is cut off");
      const byte = bytes[at++];
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = number();
    if (tag % 8 === 0) fields.push([tag >> 3, number()]);
    else if (tag % 8 === 2) {
      const length = number();
      if (at + length > bytes.length) throw new Error("the message is cut off");
      fields.push([tag >> 3, Buffer.from(bytes.subarray(at, at + length))]);
      at += length;
    } else throw new Error(`an answer has no wire type ${tag % 8}`);
  }
  return fields;
}

/** google.rpc.Status: { code, message, details: type names }. */
export function decodeStatus(bytes) {
  const fields = fieldsOf(bytes);
  const last = (number) => fields.findLast(([field]) => field === number)?.[1];
  const details = fields.filter(([field]) => field === 3).map(([, any]) => fieldsOf(any)[0][1].toString());
  return { code: last(1) ?? 0, message: (last(2) ?? "").toString(), details: details.map(typeName) };
}

/** The same in JSON. */
export function statusFromJson({ code = 0, message = "", details = [] }) {
  return { code, message, details: details.map((detail) => typeName(detail["@type"])) };
}

/** Export<signal>ServiceResponse: undefined when partial_success is unset, else { rejected, message }. */
export function decodePartial(bytes) {
  const partial = fieldsOf(bytes).find(([field]) => field === 1)?.[1];
  if (partial === undefined) return undefined;
  const fields = new Map(fieldsOf(partial));
  return { rejected: fields.get(1) ?? 0, message: (fields.get(2) ?? "").toString() };
}

/** The same in JSON, where 64-bit integers are text. */
export function partialFromJson({ partialSuccess }) {
  if (partialSuccess === undefined) return undefined;
  const { errorMessage = "", ...counts } = partialSuccess;
  return { rejected: Number(Object.values(counts)[0] ?? 0), message: errorMessage, name: Object.keys(counts)[0] };
}

function typeName(url) {
  return url.replace(/^type\.googleapis\.com\/google\.rpc\./, "");
}
