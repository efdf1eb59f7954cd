import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { startGrpcReceiver } from "../../collector/grpc/receiver.ts";
import { defaultLimits } from "../../collector/limits.ts";
import { createOtlpHandler } from "../../collector/request.ts";
import { LearnError } from "../../src/base/error.ts";
import { protobufTraces, SPAN_ID, TRACE_ID } from "../support/otlp.ts";
import { grpcCall, grpcFrame, startReceiver, type TestReceiver, type TestReceiverOptions } from "../support/receiver.ts";

const MIB = 1024 * 1024;
const GZIP = { "grpc-encoding": "gzip" };
const good = protobufTraces([[TRACE_ID, SPAN_ID]]);
const EMPTY_FRAME = Buffer.alloc(5);

let opened: TestReceiver[] = [];
afterEach(async () => {
  await Promise.all(opened.map((receiver) => receiver.close()));
  opened = [];
});

async function start(options?: TestReceiverOptions): Promise<TestReceiver> {
  const receiver = await startReceiver("grpc", options);
  opened.push(receiver);
  return receiver;
}

describe("success", () => {
  test("is one empty message and grpc-status 0 in the trailers", async () => {
    const { port, bodies } = await start();
    const answer = await grpcCall(port, [grpcFrame(good)]);
    expect([answer.headers[":status"], answer.headers["content-type"], answer.status]).toEqual([200, "application/grpc+proto", 0]);
    expect(answer.headers["grpc-status"]).toBeUndefined();
    expect(answer.body).toEqual(EMPTY_FRAME);
    expect(bodies[0]).toMatchObject({ format: "otlp-protobuf", encoding: "identity", traceIds: [TRACE_ID] });
    expect(Buffer.from(bodies[0]?.body as Uint8Array)).toEqual(Buffer.from(good));
  });

  test("does not depend on where DATA is split", async () => {
    const { port, bodies } = await start();
    const frame = grpcFrame(good);
    expect(
      (
        await grpcCall(
          port,
          Array.from(frame, (byte) => Uint8Array.of(byte)),
        )
      ).status,
    ).toBe(0);
    expect((await grpcCall(port, [frame.subarray(0, 7), frame.subarray(7)])).status).toBe(0);
    expect(bodies.map(({ body }) => Buffer.from(body))).toEqual([Buffer.from(good), Buffer.from(good)]);
  });

  test("stores gzip as it came, and honours a flag that says not compressed", async () => {
    const { port, bodies } = await start();
    expect((await grpcCall(port, [grpcFrame(gzipSync(good), 1)], GZIP)).status).toBe(0);
    expect((await grpcCall(port, [grpcFrame(good, 0)], GZIP)).status).toBe(0);
    expect(bodies.map(({ encoding }) => encoding)).toEqual(["gzip", "identity"]);
  });

  test("of an empty message stores nothing", async () => {
    const { port, bodies } = await start();
    expect((await grpcCall(port, [EMPTY_FRAME])).status).toBe(0);
    expect(bodies).toEqual([]);
  });

  test("is partial, with a count and the reason, when some spans are bad", async () => {
    const { port } = await start();
    const ids: [string, string][] = [
      [TRACE_ID, SPAN_ID],
      ["", SPAN_ID],
    ];
    const answer = await grpcCall(port, [grpcFrame(protobufTraces(ids))]);
    expect(answer.status).toBe(0);
    expect(ProtobufTraceSerializer.deserializeResponse(answer.body.subarray(5))).toMatchObject({
      partialSuccess: { rejectedSpans: 1, errorMessage: expect.stringContaining("1 of 2 spans rejected") },
    });
  });

  test.each(["logs.v1.LogsService", "metrics.v1.MetricsService"])("is there for %s", async (service) => {
    const { port } = await start();
    expect((await grpcCall(port, [EMPTY_FRAME], { ":path": `/opentelemetry.proto.collector.${service}/Export` })).status).toBe(0);
  });
});

describe("INVALID_ARGUMENT with BadRequest goes to", () => {
  test.each([
    ["only bad spans", [grpcFrame(protobufTraces([["ab", SPAN_ID]]))], {}],
    ["what is not OTLP", [grpcFrame(Buffer.from("hello"))], {}],
    ["what is not gzip", [grpcFrame(good, 1)], GZIP],
    ["no message", [], {}],
    ["half a frame head", [Buffer.from([0, 0])], {}],
    ["a message shorter than announced", [grpcFrame(good, 0, good.length + 1)], {}],
    ["two messages", [grpcFrame(good), grpcFrame(good)], {}],
    ["a compressed message without grpc-encoding", [grpcFrame(gzipSync(good), 1)], {}],
    ["an unknown flag", [grpcFrame(good, 7)], {}],
  ] as const)("%s", async (_what, chunks, headers) => {
    const { port, bodies } = await start();
    const answer = await grpcCall(port, chunks, headers);
    expect([answer.headers[":status"], answer.status, answer.details?.code, answer.details?.details]).toEqual([200, 3, 3, ["BadRequest"]]);
    expect(answer.message).toBe(answer.details?.message);
    expect(bodies).toEqual([]);
  });
});

describe("faults of the store", () => {
  test.each([new LearnError("unavailable", "the disk is full"), new TypeError("boom")])(
    "are UNAVAILABLE with RetryInfo: %s",
    async (error) => {
      const { port } = await start({
        beforeAppend: () => {
          throw error;
        },
      });
      const answer = await grpcCall(port, [grpcFrame(good)]);
      expect([answer.status, answer.details?.code, answer.details?.details]).toEqual([14, 14, ["RetryInfo"]]);
    },
  );

  test("keep their words through percent-encoding", async () => {
    const text = "Größe: 100 % of\ndisk „öffentlich“";
    const { port } = await start({
      beforeAppend: () => {
        throw new LearnError("unavailable", text);
      },
    });
    expect((await grpcCall(port, [grpcFrame(good)])).message).toBe(text);
  });
});

describe("size", () => {
  test.each([
    ["one byte over the limit", grpcFrame(Buffer.alloc(100_001)), {}],
    ["ten times the limit", grpcFrame(Buffer.alloc(1_000_000)), {}],
    ["gzip that inflates over the limit", grpcFrame(gzipSync(Buffer.alloc(300_000)), 1), GZIP],
  ])("%s is RESOURCE_EXHAUSTED without RetryInfo", async (_what, frame, headers) => {
    const { port } = await start({ limits: { maxBodyBytes: 100_000, maxDecodedBytes: 200_000 } });
    const answer = await grpcCall(port, [frame], headers);
    expect([answer.status, answer.details?.details]).toEqual([8, []]);
  });

  test("lets a message of exactly the limit pass", async () => {
    const { port } = await start({ limits: { maxBodyBytes: good.length } });
    expect((await grpcCall(port, [grpcFrame(good)])).status).toBe(0);
  });

  test("of 1 GiB of zeros in gzip is refused quickly", async () => {
    const { port } = await start();
    const piece = gzipSync(Buffer.alloc(128 * MIB));
    const bomb = Buffer.concat(Array.from({ length: 8 }, () => piece));
    const started = performance.now();
    expect((await grpcCall(port, [grpcFrame(bomb, 1)], GZIP)).status).toBe(8);
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});

describe("calls that are not OTLP", () => {
  test.each([
    ["another method", { ":path": "/opentelemetry.proto.collector.trace.v1.TraceService/Other" }, 12],
    ["another service", { ":path": "/grpc.health.v1.Health/Check" }, 12],
    ["another encoding", { "grpc-encoding": "zstd" }, 12],
  ])("%s is UNIMPLEMENTED", async (_what, headers, status) => {
    const { port } = await start();
    const answer = await grpcCall(port, [grpcFrame(good)], headers);
    expect([answer.status, answer.headers["grpc-accept-encoding"]]).toEqual([status, "identity,gzip"]);
  });

  test("another content type gets HTTP 415, another method HTTP 405", async () => {
    const { port } = await start();
    expect((await grpcCall(port, [], { "content-type": "application/json" })).headers[":status"]).toBe(415);
    expect((await grpcCall(port, [], { ":method": "GET" })).headers[":status"]).toBe(405);
  });

  test("a missing or wrong token is UNAUTHENTICATED", async () => {
    const { port, bodies } = await start({ token: "secret" });
    expect((await grpcCall(port, [grpcFrame(good)])).status).toBe(16);
    expect((await grpcCall(port, [grpcFrame(good)], { authorization: "Bearer wrong" })).status).toBe(16);
    expect((await grpcCall(port, [grpcFrame(good)], { authorization: "Bearer secret" })).status).toBe(0);
    expect(bodies).toHaveLength(1);
  });
});

describe("slow and broken clients", () => {
  test("a body that does not come is UNAVAILABLE", async () => {
    const { port } = await start({ limits: { requestTimeoutMs: 100 } });
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    const path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    const stream = session.request({ ":method": "POST", ":path": path, "content-type": "application/grpc" });
    stream.write(Buffer.from([0, 0]));
    const headers = await new Promise<Record<string, unknown>>((resolve) => stream.on("response", resolve));
    expect(headers["grpc-status"]).toBe("14");
    session.destroy();
  });

  test("a call refused early is closed, though its body never ends", async () => {
    const { port } = await start();
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    const stream = session.request({ ":method": "POST", ":path": "/x", "content-type": "application/grpc" });
    stream.resume().write(Buffer.from([0, 0]));
    await new Promise((resolve) => stream.on("close", resolve));
    expect(stream.rstCode).toBe(0);
    session.destroy();
  });

  test("are told how many streams they may open", async () => {
    const { port } = await start({ limits: { maxStreamsPerConnection: 7 } });
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    const settings = await new Promise<{ maxConcurrentStreams?: number }>((resolve) => session.on("remoteSettings", resolve));
    expect(settings.maxConcurrentStreams).toBe(7);
    session.destroy();
  });

  test("over the connection limit are turned away, and room comes back", async () => {
    const { port } = await start({ limits: { maxConnections: 1 } });
    const held = connectHttp2(`http://127.0.0.1:${port}`);
    await new Promise((resolve) => held.on("remoteSettings", resolve));
    await expect(grpcCall(port, [grpcFrame(good)])).rejects.toThrow();
    await new Promise<void>((resolve) => held.close(resolve));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await grpcCall(port, [grpcFrame(good)])).status).toBe(0);
  });

  test("a connection that never speaks HTTP/2 is closed", async () => {
    const { port } = await start({ limits: { headersTimeoutMs: 100 } });
    const silent = connect(port, "127.0.0.1");
    const wrong = connect(port, "127.0.0.1");
    wrong.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    for (const socket of [silent, wrong]) socket.on("error", () => {}).resume();
    await Promise.all([silent, wrong].map((socket) => new Promise((resolve) => socket.once("close", resolve))));
    expect((await grpcCall(port, [grpcFrame(good)])).status).toBe(0);
  });

  test("a client that leaves in the middle does no harm", async () => {
    const { port } = await start();
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    session.on("error", () => {});
    const stream = session.request({ ":method": "POST", ":path": "/x", "content-type": "application/grpc" });
    stream.on("error", () => {});
    stream.write(Buffer.from([0, 0]));
    await new Promise((resolve) => setTimeout(resolve, 50));
    session.destroy();
    expect((await grpcCall(port, [grpcFrame(good)])).status).toBe(0);
  });

  test("random bytes never get UNKNOWN or INTERNAL, and the receiver lives", async () => {
    const { port } = await start();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.boolean(), fc.boolean(), async (bytes, framed, gzip) => {
        const chunk = framed ? grpcFrame(bytes, gzip ? 1 : 0) : bytes;
        expect([0, 3]).toContain((await grpcCall(port, [chunk], gzip ? GZIP : {})).status);
      }),
      { numRuns: 200 },
    );
    expect((await grpcCall(port, [grpcFrame(good)])).status).toBe(0);
  });
});

describe("start and stop", () => {
  test("a busy port is a conflict that names the port and the flag", async () => {
    const { port } = await start();
    const handle = createOtlpHandler({ append: async () => {}, clock: { nowUs: () => 0 }, limits: defaultLimits });
    await expect(startGrpcReceiver({ port, handle, limits: defaultLimits })).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringContaining(`port ${port} on 127.0.0.1`),
      hint: expect.stringContaining("--otlp-grpc-port N"),
    });
  });

  test("close answers what is in flight, cuts what is stuck, and is safe twice", async () => {
    let commit = () => {};
    const receiver = await start({ beforeAppend: () => new Promise((resolve) => (commit = resolve)), limits: { closeTimeoutMs: 300 } });
    const stuck = connectHttp2(receiver.url);
    stuck.on("error", () => {});
    stuck
      .request({
        ":method": "POST",
        ":path": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        "content-type": "application/grpc",
      })
      .on("error", () => {});
    const inFlight = grpcCall(receiver.port, [grpcFrame(good)]);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const closed = [receiver.close(), receiver.close()];
    await new Promise((resolve) => setTimeout(resolve, 50));
    commit();
    expect((await inFlight).status).toBe(0);
    await Promise.all(closed);
    await expect(grpcCall(receiver.port, [])).rejects.toThrow();
  });
});
