import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { afterEach, expect, test } from "vitest";
import { receiverReport } from "../../collector/counts.ts";
import { LearnError } from "../../src/base/error.ts";
import { jsonTraces, protobufTraces, SPAN_ID, TRACE_ID } from "../support/otlp.ts";
import { grpcCall, grpcFrame, startReceiver, type TestReceiver, type TestReceiverOptions } from "../support/receiver.ts";

const PROTOBUF = { "content-type": "application/x-protobuf" };
const good = protobufTraces([[TRACE_ID, SPAN_ID]]);
const NONE = { badTraceId: 0, badSpanId: 0, notStored: 0 };

let receiver: TestReceiver | undefined;
afterEach(async () => {
  await receiver?.close();
});

async function start(transport: "http" | "grpc", options?: TestReceiverOptions): Promise<TestReceiver> {
  receiver = await startReceiver(transport, options);
  return receiver;
}

async function post(
  { url }: TestReceiver,
  body: Uint8Array,
  headers: Record<string, string> = PROTOBUF,
  path = "/v1/traces",
): Promise<void> {
  await (await fetch(url + path, { method: "POST", headers, body })).arrayBuffer();
}

test("every request over HTTP is counted once, by signal, encoding and status", async () => {
  const http = await start("http");
  await post(http, good);
  await post(http, good);
  await post(http, gzipSync(good), { ...PROTOBUF, "content-encoding": "gzip" });
  await post(http, Buffer.from("hello"));
  await post(http, new Uint8Array(0), PROTOBUF, "/v1/metrics");
  await post(http, good, { ...PROTOBUF, "content-encoding": "lz4" }, "/v1/logs");
  await post(http, good, PROTOBUF, "/v1/nothing");
  expect(http.counts().requests).toEqual([
    { transport: "http", signal: "traces", encoding: "identity", code: 200, count: 2 },
    { transport: "http", signal: "traces", encoding: "gzip", code: 200, count: 1 },
    { transport: "http", signal: "traces", encoding: "identity", code: 400, count: 1 },
    { transport: "http", signal: "metrics", encoding: "identity", code: 200, count: 1 },
    { transport: "http", signal: "logs", encoding: "other", code: 415, count: 1 },
    { transport: "http", signal: "other", encoding: "identity", code: 404, count: 1 },
  ]);
});

test("what is not HTTP, and who leaves before the answer, are counted too", async () => {
  let commit = () => {};
  const http = await start("http", { beforeAppend: () => new Promise((resolve) => (commit = resolve)) });
  const socket = connect(http.port, "127.0.0.1");
  socket.write("hello\r\n\r\n");
  await new Promise((resolve) => socket.resume().once("close", resolve));
  const abort = new AbortController();
  const left = fetch(`${http.url}/v1/traces`, { method: "POST", headers: PROTOBUF, body: good, signal: abort.signal }).catch(() => {});
  await new Promise((resolve) => setTimeout(resolve, 100));
  abort.abort();
  await left;
  await new Promise((resolve) => setTimeout(resolve, 50));
  commit();
  await expect
    .poll(() => http.counts().requests)
    .toEqual([
      { transport: "http", signal: "other", encoding: "other", code: 400, count: 1 },
      { transport: "http", signal: "traces", encoding: "identity", code: 499, count: 1 },
    ]);
});

test("every call over gRPC is counted once, by signal, encoding and grpc-status", async () => {
  const grpc = await start("grpc", { token: "secret" });
  const authorization = "Bearer secret";
  await grpcCall(grpc.port, [grpcFrame(good)], { authorization });
  await grpcCall(grpc.port, [grpcFrame(gzipSync(good), 1)], { authorization, "grpc-encoding": "gzip" });
  await grpcCall(grpc.port, [grpcFrame(good)]);
  await grpcCall(grpc.port, [grpcFrame(good)], { authorization, ":path": "/x" });
  await grpcCall(grpc.port, [], { "content-type": "text/plain" });
  expect(grpc.counts().requests).toEqual([
    { transport: "grpc", signal: "traces", encoding: "identity", code: 0, count: 1 },
    { transport: "grpc", signal: "traces", encoding: "gzip", code: 0, count: 1 },
    { transport: "grpc", signal: "traces", encoding: "identity", code: 16, count: 1 },
    { transport: "grpc", signal: "other", encoding: "identity", code: 12, count: 1 },
    { transport: "grpc", signal: "traces", encoding: "identity", code: 415, count: 1 },
  ]);
});

test("spans are counted by what became of them, and bytes before and after decompression", async () => {
  let full = false;
  const http = await start("http", {
    beforeAppend: () => {
      if (full) throw new LearnError("unavailable", "the disk is full");
    },
  });
  const mixed: [string, string][] = [
    [TRACE_ID, SPAN_ID],
    ["abcd", SPAN_ID],
    ["0".repeat(32), "ab"],
    [TRACE_ID, "ab"],
  ];
  const zipped = gzipSync(protobufTraces(mixed));
  await post(http, zipped, { ...PROTOBUF, "content-encoding": "gzip" });
  await post(http, jsonTraces(mixed), { "content-type": "application/json" });
  await post(http, protobufTraces([["ab", "ab"]]));
  full = true;
  await post(http, good);
  const { spans, logRecords, bytes } = http.counts();
  expect(spans).toEqual({ accepted: 2, rejected: { badTraceId: 5, badSpanId: 2, notStored: 1 } });
  expect(logRecords).toEqual({ accepted: 0, rejected: NONE });
  const rest = jsonTraces(mixed).length + protobufTraces([["ab", "ab"]]).length + good.length;
  expect(bytes).toEqual({ received: zipped.length + rest, decoded: protobufTraces(mixed).length + rest });
});

test("counts that were given out do not change", async () => {
  const http = await start("http");
  const before = http.counts();
  await post(http, good);
  expect([before.requests, before.spans.accepted, http.counts().spans.accepted]).toEqual([[], 0, 1]);
});

test("in short: what is durable, what was refused one by one, and the requests that were refused, by their answer", async () => {
  const http = await start("http");
  await post(
    http,
    protobufTraces([
      [TRACE_ID, SPAN_ID],
      ["00".repeat(16), SPAN_ID],
    ]),
  );
  await post(http, Buffer.from("hello"));
  await post(http, good, { ...PROTOBUF, "content-encoding": "lz4" });
  await post(http, good, { ...PROTOBUF, "content-encoding": "lz4" });
  expect(receiverReport(http.counts())).toEqual({ accepted: 1, rejected: 1, refused: { "http 400": 1, "http 415": 2 } });
});

test("a gRPC call that succeeded was not refused", async () => {
  const grpc = await start("grpc");
  await grpcCall(grpc.port, [grpcFrame(good)]);
  await grpcCall(grpc.port, [grpcFrame(Buffer.from("hello"))]);
  expect(receiverReport(grpc.counts())).toEqual({ accepted: 1, rejected: 0, refused: { "grpc 3": 1 } });
});
