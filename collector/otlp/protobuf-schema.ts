/**
 * The OTLP messages that may lead to an id or hold items, compiled into one table that a walker reads with two additions.
 * `[]` marks what counts as an item. Other names are scalars: bytes stands for every length-delimited one.
 */
const SCHEMA = {
  tracesRequest: { 1: "resourceSpans[]" },
  resourceSpans: { 1: "resource", 2: "scopeSpans[]", 3: "bytes" },
  scopeSpans: { 1: "scope", 2: "span[]", 3: "bytes" },
  span: {
    1: "traceId",
    2: "spanId",
    3: "bytes",
    4: "bytes",
    5: "bytes",
    6: "varint",
    7: "fixed64",
    8: "fixed64",
    9: "keyValue[]",
    10: "varint",
    11: "event[]",
    12: "varint",
    13: "link[]",
    14: "varint",
    15: "status",
    16: "fixed32",
  },
  event: { 1: "fixed64", 2: "bytes", 3: "keyValue[]", 4: "varint" },
  link: { 1: "bytes", 2: "bytes", 3: "bytes", 4: "keyValue[]", 5: "varint", 6: "fixed32" },
  status: { 2: "bytes", 3: "varint" },
  logsRequest: { 1: "resourceLogs[]" },
  resourceLogs: { 1: "resource", 2: "scopeLogs[]", 3: "bytes" },
  scopeLogs: { 1: "scope", 2: "logRecord[]", 3: "bytes" },
  logRecord: {
    1: "fixed64",
    2: "varint",
    3: "bytes",
    5: "anyValue",
    6: "keyValue[]",
    7: "varint",
    8: "fixed32",
    9: "traceId",
    10: "spanId",
    11: "fixed64",
    12: "bytes",
  },
  resource: { 1: "keyValue[]", 2: "varint", 3: "bytes" },
  scope: { 1: "bytes", 2: "bytes", 3: "keyValue[]", 4: "varint" },
  keyValue: { 1: "bytes", 2: "anyValue", 3: "varint" },
  anyValue: { 1: "bytes", 2: "varint", 3: "varint", 4: "fixed64", 5: "arrayValue", 6: "keyValueList", 7: "bytes", 8: "varint" },
  arrayValue: { 1: "anyValue[]" },
  keyValueList: { 1: "keyValue[]" },
} as const;

type MessageName = keyof typeof SCHEMA;

const NAMES = Object.keys(SCHEMA) as MessageName[];
const SCALARS = ["unknown", "varint", "fixed64", "fixed32", "bytes", "traceId", "spanId"];

export const TRACE_ID: number = SCALARS.indexOf("traceId");
export const SPAN_ID: number = SCALARS.indexOf("spanId");
/** Kinds from here on are messages: the kind is CHILD_BASE plus the number of the message. */
export const CHILD_BASE = 16;
/** Set on a kind whose every occurrence is one item. */
export const COUNTED = 0x80;

export const MESSAGES: Readonly<Record<MessageName, number>> = Object.fromEntries(NAMES.map((name, number) => [name, number])) as Record<
  MessageName,
  number
>;

/** Kind by message * 32 + field; 0 is a field nobody knows. */
export const KINDS: Uint8Array = compileKinds();

/** Wire type that a kind must have. */
export const WIRE_TYPE_OF: Uint8Array = Uint8Array.from({ length: CHILD_BASE + NAMES.length }, (_unused, kind) => {
  const name = SCALARS[kind];
  return name === "varint" ? 0 : name === "fixed64" ? 1 : name === "fixed32" ? 5 : 2;
});

function compileKinds(): Uint8Array {
  const kinds = new Uint8Array(NAMES.length * 32);
  for (const [number, name] of NAMES.entries()) {
    for (const [field, type] of Object.entries<string>(SCHEMA[name])) {
      const plain = type.replace("[]", "");
      const scalar = SCALARS.indexOf(plain);
      const kind = scalar > 0 ? scalar : CHILD_BASE + NAMES.indexOf(plain as MessageName);
      kinds[number * 32 + Number(field)] = kind + (plain === type ? 0 : COUNTED);
    }
  }
  return kinds;
}
