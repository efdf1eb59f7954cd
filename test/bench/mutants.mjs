import { readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { createRuns, serialize } from "./run-bodies.mjs";
import { createRandom } from "./statistics.mjs";
import { repositoryFile } from "./stored-spans.mjs";

const RECORDED = ["openinference-langchain", "otel-instrumentation-openai", "traceloop-node-server-sdk", "vercel-ai7-modern"];
const TYPES = { protobuf: "application/x-protobuf", json: "application/json" };
const ODD_TYPES = ["text/plain", "application/grpc", "", "application/json; charset=utf-16", "multipart/form-data", "APPLICATION/JSON"];
const ODD_ENCODINGS = ["gzip, br", "compress", "identity, identity", "GZIP", "x-gzip", "snappy"];
const ENCODERS = {
  gzip: gzipSync,
  deflate: deflateSync,
  br: (body) => brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }),
  // Node 20 does not compress zstd: one stored block in a frame that names its size.
  zstd: storedZstd,
};

/** Bodies to begin with: { signal, format, body }. Synthetic ones are small, so that a mutation hits structure more often than text. */
export function createSeeds(seed) {
  const random = createRandom(seed);
  const seeds = [];
  for (let count = 0; count < 40; count += 1) {
    const items = createRuns(random, 1 + Math.floor(random() * 3));
    for (const signal of ["traces", "logs"]) {
      const of = items.filter((entry) => entry.signal === signal).map(({ item }) => item);
      for (const format of of.length === 0 ? [] : ["protobuf", "json"]) seeds.push({ signal, format, body: serialize(signal, format, of) });
    }
  }
  for (const name of RECORDED) {
    const { resourceSpans, resourceLogs } = JSON.parse(readFileSync(repositoryFile(join("test/fixtures/spans", `${name}.json`)), "utf8"));
    for (const resource of resourceSpans ?? []) seeds.push(recorded("traces", { resourceSpans: [resource] }));
    for (const resource of resourceLogs ?? []) seeds.push(recorded("logs", { resourceLogs: [resource] }));
  }
  // What takes long to mutate and send would be most of the run.
  return seeds.filter(({ body }) => body.length <= 8_192);
}

function recorded(signal, request) {
  return { signal, format: "json", body: Buffer.from(JSON.stringify(request)) };
}

/** The mutant of a number: the same for the same seed and number, whatever came before. { over, signal, type, encoding?, body, frame?, grpcHeaders? } */
export function mutantOf(seeds, seed, number) {
  const random = createRandom((Math.imul(seed, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b)) >>> 0);
  const pick = (list) => list[Math.floor(random() * list.length)];
  const { signal, format, body } = pick(seeds);
  let bytes = body;
  if (random() < 0.95)
    for (let count = 1 + Math.floor(random() * 3); count > 0; count -= 1) bytes = pick(MUTATIONS)(bytes, random, pick, seeds);
  const encoding = random() < 0.35 ? pick(Object.keys(ENCODERS)) : undefined;
  if (encoding !== undefined) {
    bytes = ENCODERS[encoding](bytes);
    if (random() < 0.4) bytes = pick(MUTATIONS)(bytes, random, pick, seeds);
  }
  const route = random() < 0.05 ? pick(["traces", "logs", "metrics"]) : signal;
  if (format === "protobuf" && random() < 0.3)
    return grpcMutant({ signal: route === "metrics" ? signal : route, body: bytes, encoding, random, pick });
  const lies = random() < 0.06;
  return {
    over: "http",
    signal: route,
    type: lies ? pick([...ODD_TYPES, ...Object.values(TYPES)]) : TYPES[format],
    encoding: random() < 0.04 ? pick([...ODD_ENCODINGS, ...Object.keys(ENCODERS)]) : encoding,
    body: bytes,
  };
}

function grpcMutant({ signal, body, encoding, random, pick }) {
  const zipped = encoding === "gzip";
  const lies = random() < 0.3;
  const frame = Buffer.alloc(5 + body.length);
  frame[0] = lies ? pick([0, 1, 2, 255]) : zipped ? 1 : 0;
  frame.writeUInt32BE(lies ? pick([0, body.length + 1, Math.max(0, body.length - 1), 0xffffffff, body.length]) : body.length, 1);
  body.copy(frame, 5);
  const whole = random() < 0.05 ? Buffer.concat([frame, frame]) : random() < 0.05 ? frame.subarray(0, Math.floor(random() * 8)) : frame;
  return {
    over: "grpc",
    signal,
    frame: whole,
    headers: zipped || lies ? { "grpc-encoding": pick(["gzip", "gzip", "identity", "zstd"]) } : {},
  };
}

const at = (bytes, random) => Math.floor(random() * bytes.length);
const spliced = (bytes, from, to, middle) => Buffer.concat([bytes.subarray(0, from), middle, bytes.subarray(to)]);
const HUGE_VARINT = Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]);
const ENDLESS_VARINT = Buffer.alloc(12, 0xff);
const BAD_UTF8 = Buffer.from([0xff, 0xc0, 0xaf, 0xed, 0xa0, 0x80, 0xf8]);
const TOKENS = [
  '{"',
  "}",
  "[",
  "]",
  ",",
  ":",
  "null",
  "1e999",
  "-",
  '"',
  "\\u",
  "\\ud800",
  "\u0000",
  '"traceId":',
  '"spans":[',
  '{"spans":null,',
  "9".repeat(400),
];

const MUTATIONS = [
  // Bits and bytes.
  (bytes, random) => changed(bytes, at(bytes, random), (byte) => byte ^ (1 << Math.floor(random() * 8))),
  (bytes, random) => changed(bytes, at(bytes, random), () => Math.floor(random() * 256)),
  // Cut off, a part left out, a part twice, a part of another body.
  (bytes, random) => bytes.subarray(0, at(bytes, random)),
  (bytes, random) => spliced(bytes, at(bytes, random), Math.min(bytes.length, at(bytes, random) + 8), Buffer.alloc(0)),
  (bytes, random) => {
    const from = at(bytes, random);
    const part = bytes.subarray(from, from + 1 + Math.floor(random() * 64));
    return spliced(bytes, from, from, part);
  },
  (bytes, random, pick, seeds) => {
    const other = pick(seeds).body;
    const from = at(other, random);
    const where = at(bytes, random);
    return spliced(bytes, where, where, other.subarray(from, from + 200));
  },
  (bytes, _random, pick, seeds) => Buffer.concat([bytes, pick(seeds).body]),
  (bytes) => Buffer.concat([bytes, bytes]),
  // Numbers that lie, and lengths: any byte may be one.
  (bytes, random) => spliced(bytes, at(bytes, random), at(bytes, random) + 1, random() < 0.5 ? HUGE_VARINT : ENDLESS_VARINT),
  (bytes, random) => changed(bytes, at(bytes, random), (byte) => byte + (random() < 0.5 ? 1 : -1)),
  // Text that is none.
  (bytes, random) => {
    const where = at(bytes, random);
    return spliced(bytes, where, Math.min(bytes.length, where + BAD_UTF8.length), BAD_UTF8);
  },
  (bytes, random, pick) => {
    const where = at(bytes, random);
    return spliced(bytes, where, where, Buffer.from(pick(TOKENS)));
  },
  // Deep.
  (bytes, random) => {
    const where = at(bytes, random);
    const depth = Math.floor(random() * 300);
    return spliced(bytes, where, where, Buffer.from(random() < 0.5 ? "[".repeat(depth) + "]".repeat(depth) : '{"a":'.repeat(depth)));
  },
  (bytes, random) => {
    let value = bytes.subarray(0, 64);
    for (let level = Math.floor(random() * 60); level > 0; level -= 1) value = wrapped(0x0a, wrapped(0x2a, value));
    return random() < 0.5
      ? wrapped(0x0a, value)
      : spliced(bytes, bytes.length, bytes.length, wrapped(0x0a, wrapped(0x12, wrapped(0x12, value))));
  },
  // Something else altogether.
  (_bytes, random) => Buffer.from(Array.from({ length: Math.floor(random() * 80) }, () => Math.floor(random() * 256))),
  (bytes) => deflateRawSync(bytes),
];

function changed(bytes, where, change) {
  const copy = Buffer.from(bytes);
  if (where < copy.length) copy[where] = change(copy[where]) & 255;
  return copy;
}

function wrapped(tag, content) {
  const length = [];
  let rest = content.length;
  for (; rest > 127; rest >>= 7) length.push((rest & 127) | 128);
  return Buffer.concat([Buffer.from([tag, ...length, rest]), content]);
}

function storedZstd(body) {
  const head = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 0, 0, 0, 0, 0]);
  head.writeUInt32LE(body.length, 5);
  head.writeUIntLE(body.length * 8 + 1, 9, 3);
  return Buffer.concat([head, body]);
}
