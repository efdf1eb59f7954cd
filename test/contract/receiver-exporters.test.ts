import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { LearnError } from "../../src/base/error.ts";
import type { RawBody } from "../../src/store/ports.ts";
import { type Exporter, exporterLines } from "../support/exporter-lines.ts";
import { sdkLogs, sdkSpans } from "../support/otlp.ts";
import { decodeStatus, NOW_US, startReceiver } from "../support/receiver.ts";

const COMPRESSIONS = ["none", "gzip"] as const;

describe.each(exporterLines)("of the line $name", ({ sdk, traces, logs }) => {
  describe.each(traces)("the stock trace exporter for $name", ({ transport, format, serializer, Exporter, path }) => {
    test.each(COMPRESSIONS)("delivers its bytes unchanged with compression %s", async (compression) => {
      const receiver = await startReceiver(transport);
      const spans = sdkSpans({ traces: 3, children: 5 }, sdk);
      expect(await send(new Exporter({ url: receiver.url + path, compression }), spans)).toEqual({ code: 0 });

      const raw = receiver.bodies[0] as RawBody;
      expect(receiver.bodies).toHaveLength(1);
      expect(Buffer.from(plain(raw))).toEqual(Buffer.from(serializer.serializeRequest(spans) as Uint8Array));
      expect({ ...raw, body: undefined }).toEqual({
        format,
        signal: "traces",
        encoding: compression === "gzip" ? "gzip" : "identity",
        body: undefined,
        receivedAtUs: NOW_US,
        traceIds: [...new Set(spans.map((span) => span.spanContext().traceId))],
      });
      await receiver.close();
    });

    test("delivers 2,000 spans in one request", async () => {
      const receiver = await startReceiver(transport);
      const spans = sdkSpans({ traces: 20, children: 99, attributes: 20 }, sdk);
      expect(await send(new Exporter({ url: receiver.url + path }), spans)).toEqual({ code: 0 });
      expect(receiver.bodies[0]?.traceIds).toHaveLength(20);
      await receiver.close();
    });
  });

  describe.each(logs)("the stock log exporter for $name", ({ transport, format, serializer, Exporter, path }) => {
    test.each(COMPRESSIONS)("delivers its bytes unchanged with compression %s", async (compression) => {
      const receiver = await startReceiver(transport);
      const records = sdkLogs(4, sdk);
      expect(await send(new Exporter({ url: receiver.url + path, compression }), records)).toEqual({ code: 0 });
      expect(receiver.bodies.map((raw) => [raw.signal, raw.format])).toEqual([["logs", format]]);
      const sent = Buffer.from(plain(receiver.bodies[0] as RawBody));
      expect(sent).toEqual(Buffer.from(serializer.serializeRequest(records) as Uint8Array));
      await receiver.close();
    });
  });

  test.each(traces.filter(({ transport }) => transport === "http"))(
    "the stock trace exporter for $name comes back after the store was away",
    async ({ transport, Exporter, path }) => {
      const receiver = await startReceiver(transport, { beforeAppend: failOnce(new LearnError("unavailable", "the disk is full")) });
      const started = performance.now();
      expect(await send(new Exporter({ url: receiver.url + path }), sdkSpans({}, sdk))).toEqual({ code: 0 });
      expect(receiver.bodies).toHaveLength(1);
      expect(performance.now() - started).toBeGreaterThan(900);
      await receiver.close();
    },
  );

  // The JavaScript exporter for gRPC has no retry of its own; those of other languages read the code and RetryInfo.
  test.each(traces.filter(({ transport }) => transport === "grpc"))(
    "the stock $name exporter hears UNAVAILABLE with RetryInfo when the store is away",
    async ({ Exporter }) => {
      const receiver = await startReceiver("grpc", { beforeAppend: failOnce(new LearnError("unavailable", "the disk is full")) });
      const { error } = await send(new Exporter({ url: receiver.url }), sdkSpans({}, sdk));
      const { code, details, metadata } = error as unknown as { code: number; details: string; metadata: { get(key: string): Buffer[] } };
      expect([code, details]).toEqual([14, "the disk is full"]);
      expect(decodeStatus(metadata.get("grpc-status-details-bin")[0] as Buffer).details).toEqual(["RetryInfo"]);
      await receiver.close();
    },
  );

  test.each(traces)("ten exporters for $name at once lose nothing", async ({ transport, Exporter, path }) => {
    const receiver = await startReceiver(transport);
    const batches = Array.from({ length: 10 }, () => sdkSpans({ traces: 2 }, sdk));
    const results = await Promise.all(batches.map((spans) => send(new Exporter({ url: receiver.url + path }), spans)));
    expect(results.every((result) => result.code === 0)).toBe(true);
    const sent = batches.flat().map((span) => span.spanContext().traceId);
    expect(new Set(receiver.bodies.flatMap(({ traceIds }) => traceIds))).toEqual(new Set(sent));
    await receiver.close();
  });
});

function failOnce(error: Error): () => void {
  let failed = false;
  return () => {
    if (failed) return;
    failed = true;
    throw error;
  };
}

async function send(exporter: Exporter, items: unknown[]): Promise<{ readonly code: number; readonly error?: Error }> {
  const result = await new Promise<{ readonly code: number; readonly error?: Error }>((resolve) => exporter.export(items, resolve));
  await exporter.shutdown();
  return result;
}

function plain({ encoding, body }: RawBody): Uint8Array {
  return encoding === "gzip" ? gunzipSync(body) : body;
}
