import { describe, expect, test } from "vitest";
import type { SqlStore } from "../../../src/store/local-store.ts";
import { aBody, aLog, anOutcome, aSpan, aTrace, hex, T0 } from "./factories.ts";

export function describeIngest(store: () => SqlStore): void {
  const mine = async (traceId: string) => (await store().unmappedBodies(10_000)).filter((body) => body.traceIds.includes(traceId));
  const pendingOf = async (traceId: string) => (await store().pendingTraces(10_000)).find((trace) => trace.traceId === traceId);
  const map = (traceId: string, atUs = T0) => store().saveMapped([], { spans: [aSpan({ traceId })], logs: [] }, atUs);

  describe("ingest", () => {
    test("gives a body back as it was appended, bytes and all", async () => {
      const body = aBody({
        body: new Uint8Array([0, 1, 255, 0]),
        encoding: "gzip",
        format: "otlp-json",
        signal: "logs",
        traceIds: [hex(32), hex(32)],
      });
      await store().appendBodies([{ ...body, body: body.body.slice() }]);
      const [{ id, ...stored } = { id: 0 }] = await mine(body.traceIds[0] as string);
      expect(id).toBeGreaterThan(0);
      expect(stored).toEqual(body);
    });

    test("names the traces that have spans, the one first heard of last in front, also when it is assembled", async () => {
      const [older, newer, empty] = [hex(32), hex(32), hex(32)];
      await map(older, T0 + 5);
      await map(newer, T0 + 3);
      await store().appendBodies([aBody({ traceIds: [empty] })]);
      await store().saveManyAssembled([{ traceId: newer, traces: [], outcomes: [], seenArrivalUs: T0 + 1_000_000 }]);
      const recent = await store().recentTraces(10_000);
      const own = recent.filter(({ traceId }) => [older, newer, empty].includes(traceId));
      expect(own).toEqual([
        { traceId: newer, lastArrivalUs: T0 + 3, spanCount: 1 },
        { traceId: older, lastArrivalUs: T0 + 5, spanCount: 1 },
      ]);
      expect(await store().recentTraces(1)).toHaveLength(1);
    });

    test("gives bodies oldest first and no more than asked for", async () => {
      const traceId = hex(32);
      await store().appendBodies([1, 2, 3].map((n) => aBody({ traceIds: [traceId], body: new Uint8Array([n]) })));
      expect((await mine(traceId)).map((body) => body.body[0])).toEqual([1, 2, 3]);
      expect(await store().unmappedBodies(2)).toHaveLength(2);
    });

    test("gives large bodies a few at a time, so that a reader does not hold them all", async () => {
      const traceId = hex(32);
      await store().appendBodies([1, 2, 3].map(() => aBody({ traceIds: [traceId], body: new Uint8Array(3 * 1024 * 1024) })));
      const given: number[] = [];
      for (let round = await mine(traceId); round.length > 0; round = await mine(traceId)) {
        given.push(round.length);
        for (const { id } of round) await store().markUnmappable(id, "no more of it");
      }
      expect(given).toEqual([1, 1, 1]);
    });

    test("takes a body whose trace ids are not known, and one that is empty", async () => {
      const before = (await store().unmappedBodies(10_000)).length;
      await store().appendBodies([aBody({ traceIds: [], body: new Uint8Array(0) })]);
      const bodies = await store().unmappedBodies(10_000);
      expect(bodies).toHaveLength(before + 1);
      expect(bodies.at(-1)?.body).toEqual(new Uint8Array(0));
    });

    test("takes nothing when there is nothing to append", async () => {
      await expect(store().appendBodies([])).resolves.toBeUndefined();
    });

    test("a mapped body and an unmappable body are not given again", async () => {
      const traceId = hex(32);
      await store().appendBodies([aBody({ traceIds: [traceId] }), aBody({ traceIds: [traceId] }), aBody({ traceIds: [traceId] })]);
      const [first, second, third] = await mine(traceId);
      await store().saveMapped([first?.id ?? 0], { spans: [], logs: [] }, T0);
      await store().markUnmappable(second?.id ?? 0, "not \0 protobuf");
      expect((await mine(traceId)).map((body) => body.id)).toEqual([third?.id]);
    });

    test("marks the traces of mapped spans pending, with their count and arrival", async () => {
      const traceId = hex(32);
      await store().saveMapped([], { spans: [aSpan({ traceId }), aSpan({ traceId })], logs: [aLog({ traceId })] }, T0 + 7);
      expect(await pendingOf(traceId)).toEqual({ traceId, lastArrivalUs: T0 + 7, spanCount: 2, feedbackOnly: false });
    });

    test("a log alone makes its trace pending", async () => {
      const traceId = hex(32);
      await store().saveMapped([], { spans: [], logs: [aLog({ traceId })] }, T0);
      expect(await pendingOf(traceId)).toBeDefined();
    });

    test("keeps spans and logs in full, also NUL, quotes and nested values", async () => {
      const traceId = hex(32);
      const attributes = { "a\0b": "c\0d", list: [1, true, null, { deep: "'; DROP TABLE span;--" }], "a.number": 1.5 };
      const span = aSpan({
        traceId,
        attributes,
        parentSpanId: hex(16),
        status: { code: 2, message: "x\0y" },
        links: [{ traceId, spanId: hex(16), attributes: {} }],
      });
      const log = aLog({ traceId, eventName: "gen_ai.user.message", body: { content: "\0" } });
      await store().saveMapped([], { spans: [span], logs: [log] }, T0);
      expect(await store().spansOf(traceId)).toEqual({ spans: [span], logs: [log] });
    });

    test("a span seen twice is one span: the later end wins, attributes are united, in either order", async () => {
      for (const order of [1, -1]) {
        const traceId = hex(32);
        const early = aSpan({ traceId, endTimeUs: T0 + 1, attributes: { a: 1, both: "early" }, status: { code: 2, message: "failed" } });
        const late = { ...early, endTimeUs: T0 + 9, attributes: { b: 2, both: "late" }, status: { code: 0 as const } };
        for (const span of [early, late].sort(() => order)) await store().saveMapped([], { spans: [span], logs: [] }, T0);
        const { spans } = await store().spansOf(traceId);
        expect(spans).toHaveLength(1);
        expect(spans[0]).toMatchObject({
          endTimeUs: T0 + 9,
          attributes: { a: 1, b: 2, both: "late" },
          status: { code: 2, message: "failed" },
        });
        expect((await pendingOf(traceId))?.spanCount).toBe(1);
      }
    });

    test("the same copy twice in one batch, and again in a retry, counts once and changes nothing", async () => {
      const span = aSpan();
      const log = aLog({ traceId: span.traceId });
      const batch = { spans: [span, span], logs: [log, log] };
      await store().saveMapped([], batch, T0);
      await store().saveManyAssembled([
        { traceId: span.traceId, traces: [aTrace({ traceId: span.traceId })], outcomes: [], seenArrivalUs: T0 },
      ]);
      await store().saveMapped([], batch, T0 + 5);
      expect(await store().spansOf(span.traceId)).toEqual({ spans: [span], logs: [log] });
      expect(await pendingOf(span.traceId)).toBeUndefined();
    });

    test("pending traces come with the longest waiting first, no more than asked for", async () => {
      const [late, early] = [hex(32), hex(32)];
      await map(late, 20);
      await map(early, 10);
      expect((await store().pendingTraces(2)).map((trace) => trace.traceId)).toEqual([early, late]);
      for (const traceId of [late, early]) await store().saveManyAssembled([{ traceId, traces: [], outcomes: [], seenArrivalUs: T0 }]);
    });

    test("an unknown trace has no spans and no feedback", async () => {
      expect(await store().spansOf(hex(32))).toEqual({ spans: [], logs: [] });
      const unknown = hex(32);
      expect(await store().materialOf([unknown])).toEqual([{ traceId: unknown, batch: { spans: [], logs: [] }, feedback: [] }]);
    });

    test("assembling clears the pending mark only when nothing came meanwhile", async () => {
      const traceId = hex(32);
      await map(traceId);
      const seen = (await pendingOf(traceId))?.lastArrivalUs ?? 0;
      await map(traceId);
      await store().saveManyAssembled([{ traceId, traces: [aTrace({ traceId })], outcomes: [], seenArrivalUs: seen }]);
      expect(await pendingOf(traceId)).toBeDefined();
      await store().saveManyAssembled([
        { traceId, traces: [aTrace({ traceId })], outcomes: [], seenArrivalUs: (await pendingOf(traceId))?.lastArrivalUs ?? 0 },
      ]);
      expect(await pendingOf(traceId)).toBeUndefined();
    });

    // Two clients assembled one trace at once. The slower one had read it before its last span came, cleared nothing, and still put its half run in
    // the place of the whole one, which nobody would assemble again.
    test("runs made of fewer spans than another client saw meanwhile change nothing", async () => {
      const traceId = hex(32);
      const [half, whole] = [aTrace({ traceId, task: "half" }), aTrace({ traceId, task: "whole" })];
      await map(traceId);
      const seen = (await pendingOf(traceId))?.lastArrivalUs ?? 0;
      await map(traceId);
      const seenLater = (await pendingOf(traceId))?.lastArrivalUs ?? 0;
      await store().saveManyAssembled([{ traceId, traces: [whole], outcomes: [], seenArrivalUs: seenLater }]);
      await store().saveManyAssembled([{ traceId, traces: [half], outcomes: [anOutcome(half.id)], seenArrivalUs: seen }]);
      expect((await store().getTrace(traceId)).task).toBe("whole");
      expect(await store().outcomesOf(half.id)).toEqual([]);
      await store().saveManyAssembled([{ traceId, traces: [{ ...whole, task: "again" }], outcomes: [], seenArrivalUs: seenLater }]);
      expect((await store().getTrace(traceId)).task).toBe("again");
    });

    test("assembling again replaces all runs of the trace and keeps the runs of others", async () => {
      const [first, second] = [aTrace(), aTrace()];
      await store().saveManyAssembled([{ traceId: second.traceId, traces: [second], outcomes: [], seenArrivalUs: T0 }]);
      await store().saveManyAssembled([
        { traceId: first.traceId, traces: [first, aTrace({ traceId: first.traceId })], outcomes: [anOutcome(first.id)], seenArrivalUs: T0 },
      ]);
      await store().saveManyAssembled([
        { traceId: first.traceId, traces: [{ ...first, task: "another" }], outcomes: [], seenArrivalUs: T0 },
      ]);
      expect((await store().getTrace(first.traceId)).task).toBe("another");
      expect(await store().outcomesOf(first.id)).toEqual([]);
      expect((await store().getTrace(second.id)).id).toBe(second.id);
    });

    test("feedback makes a trace with spans pending again, also while it is being assembled", async () => {
      const traceId = hex(32);
      await map(traceId);
      const seen = (await pendingOf(traceId))?.lastArrivalUs ?? 0;
      await store().addFeedback({ traceId, score: 0 });
      await store().saveManyAssembled([{ traceId, traces: [aTrace({ traceId })], outcomes: [], seenArrivalUs: seen }]);
      expect(await pendingOf(traceId)).toBeDefined();
    });
  });
}
