import { promisify } from "node:util";
import { brotliCompress, constants, createBrotliCompress, createDeflate, createGzip, gzip } from "node:zlib";

const MIB = 1024 * 1024;
const TRACE_ID = Buffer.from("0af7651916cd43dd8448eb211c80319c", "hex");
const SPAN_ID = Buffer.from("b7ad6b7169203331", "hex");
const PROTOBUF = "application/x-protobuf";
const JSON_TYPE = "application/json";

/**
 * Bodies that are small on the wire, or legal in bytes, and huge in memory: { name, type, encoding?, body, over?, slow? }; `over` says "grpc",
 * `slow` marks what takes seconds to find out. None may be accepted.
 */
export async function createBombs({ largeMib }) {
  return [...structureBombs(), ...(await compressedBombs(largeMib)), ...(await compressedStructures())];
}

/** 20 MiB each, as they are. */
function structureBombs() {
  const spans = (inside) => field(1, field(2, inside));
  const span = (inside) => spans(field(2, Buffer.concat([field(1, TRACE_ID), field(2, SPAN_ID), inside])));
  const size = 20 * MIB;
  const jsonSpan = (inside) =>
    `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"${TRACE_ID.toString("hex")}","spanId":"${SPAN_ID.toString("hex")}",${inside}}]}]}]}`;
  const many = (text) => text.repeat(Math.floor(size / text.length));
  const deep = (open, middle, close, depth) => open.repeat(depth) + middle + close.repeat(depth);
  const protobuf = {
    "empty attributes": span(repeated([0x4a, 0], size)),
    "empty events": span(repeated([0x5a, 0], size)),
    "empty links": span(repeated([0x6a, 0], size)),
    "empty spans": spans(repeated([0x12, 0], size)),
    "empty groups": repeated([0x0a, 0], size),
    "values of one attribute": span(field(9, Buffer.concat([field(1, Buffer.from("key")), repeated([0x12, 0], size)]))),
    "elements of one list": span(field(9, field(2, field(5, repeated([0x0a, 0], size))))),
    "lists 10,000 deep": span(field(9, field(2, nested(10_000)))),
  };
  const json = {
    "empty spans": `{"resourceSpans":[{"scopeSpans":[{"spans":[${many("{},")}{}]}]}]}`,
    "empty attributes": jsonSpan(`"attributes":[${many("{},")}{}]`),
    "elements of one list": jsonSpan(`"attributes":[{"key":"a","value":{"arrayValue":{"values":[${many("{},")}{}]}}}]`),
    "numbers in an unknown field": jsonSpan(`"later":[${many("1,")}1]`),
    "lists in an unknown field": jsonSpan(`"later":[${many("[],")}[]]`),
    "lists a million deep": jsonSpan(`"later":${deep("[", "", "]", 1_000_000)}`),
    "objects a million deep": jsonSpan(`"later":${deep('{"a":', "1", "}", 1_000_000)}`),
  };
  return [
    ...Object.entries(protobuf).flatMap(([name, body]) => [
      { name: `protobuf, ${name}`, type: PROTOBUF, body },
      { name: `gRPC, ${name}`, type: PROTOBUF, body, over: "grpc" },
    ]),
    ...Object.entries(json).map(([name, text]) => ({ name: `JSON, ${name}`, type: JSON_TYPE, body: Buffer.from(text) })),
  ];
}

/** 63 MiB are allowed and 65 are not. Zeros show at once that they are no protobuf; blanks are JSON as long as nothing else comes. */
async function compressedBombs(largeMib) {
  const zeros = { name: "zeros", type: PROTOBUF, fill: 0 };
  const blanks = { name: "blanks", type: JSON_TYPE, fill: 0x20 };
  const result = [];
  for (const mib of [63, 65, largeMib]) {
    for (const [encoding, create] of Object.entries(COMPRESSORS)) {
      for (const { name, type, fill } of [zeros, blanks]) {
        const body = await compressed(create(), fill, mib);
        result.push({ name: `${encoding}, ${mib} MiB of ${name}`, type, encoding, body });
        if (encoding === "gzip" && type === PROTOBUF)
          result.push({ name: `gRPC ${mib} MiB of ${name}`, type, encoding, body, over: "grpc" });
      }
    }
  }
  const member = await promisify(gzip)(Buffer.alloc(16 * MIB));
  result.push({ name: "gzip of 64 members, 1 GiB", type: PROTOBUF, encoding: "gzip", body: Buffer.concat(Array(64).fill(member)) });
  const inner = await compressed(createGzip(), 0, largeMib);
  result.push({ name: "gzip in gzip", type: PROTOBUF, encoding: "gzip", body: await promisify(gzip)(inner) });
  for (const sized of [true, false]) {
    const name = `zstd, 1 GiB of zeros, size ${sized ? "told" : "hidden"}`;
    result.push({ name, type: PROTOBUF, encoding: "zstd", body: zstdZeros(1024 * MIB, sized) });
  }
  result.push({ name: "zstd, sequences", slow: true, type: PROTOBUF, encoding: "zstd", body: zstdSequences() });
  return result;
}

const COMPRESSORS = {
  gzip: () => createGzip(),
  deflate: () => createDeflate(),
  br: () => createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }),
};

/** The structure bombs again, in a thousandth of the bytes. */
async function compressedStructures() {
  const bodies = structureBombs().filter(({ over }) => over === undefined);
  const result = [];
  for (const { name, type, body } of bodies) {
    result.push({ name: `gzip of ${name}`, type, encoding: "gzip", body: await promisify(gzip)(body) });
  }
  const [first] = bodies;
  const params = { [constants.BROTLI_PARAM_QUALITY]: 4 };
  result.push({
    name: `br of ${first.name}`,
    type: first.type,
    encoding: "br",
    body: await promisify(brotliCompress)(first.body, { params }),
  });
  return result;
}

async function compressed(stream, fill, mib) {
  const parts = [];
  stream.on("data", (part) => parts.push(part));
  const ended = new Promise((resolve) => stream.once("end", resolve));
  const block = Buffer.alloc(MIB, fill);
  for (let count = 0; count < mib; count += 1) {
    if (!stream.write(block)) await new Promise((resolve) => stream.once("drain", resolve));
  }
  stream.end();
  await ended;
  return Buffer.concat(parts);
}

function field(number, content) {
  return Buffer.concat([varint(number * 8 + 2), varint(content.length), content]);
}

function nested(depth) {
  let value = Buffer.alloc(0);
  for (let level = 0; level < depth; level += 1) value = field(5, field(1, value));
  return value;
}

function varint(value) {
  const bytes = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}

function repeated(pattern, bytes) {
  return Buffer.alloc(bytes - (bytes % pattern.length), Buffer.from(pattern));
}

const ZSTD_BLOCK = 128 * 1024;

/** 128 KiB of zeros from every 4 bytes, made by hand: Node 20 does not compress zstd. */
function zstdZeros(bytes, sized) {
  const count = bytes / ZSTD_BLOCK;
  const blocks = Array.from({ length: count }, (_unused, index) => zstdBlock(2, ZSTD_BLOCK, Buffer.alloc(1), index === count - 1));
  return Buffer.concat([zstdHead(sized ? bytes : undefined), ...blocks]);
}

/** 120 kB whose 60,000 sequences copy 65,539 bytes each: 4 GB that one block may not have. */
function zstdSequences() {
  const sequences = 60_000;
  const bits = Buffer.alloc(sequences * 2 + 1);
  bits[bits.length - 1] = 1;
  const count = [255, (sequences - 0x7f00) & 255, (sequences - 0x7f00) >> 8];
  const content = Buffer.concat([Buffer.from([0x08, 0x61, ...count, 0x54, 1, 0, 52]), bits]);
  return Buffer.concat([zstdHead(), zstdBlock(4, content.length, content, true)]);
}

function zstdHead(size) {
  const head = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, size === undefined ? 0 : 0xc0, 10 << 3]);
  if (size === undefined) return head;
  const told = Buffer.alloc(8);
  told.writeBigUInt64LE(BigInt(size));
  return Buffer.concat([head, told]);
}

function zstdBlock(type, size, content, last) {
  const head = Buffer.alloc(3);
  head.writeUIntLE(size * 8 + type + (last ? 1 : 0), 0, 3);
  return Buffer.concat([head, content]);
}
