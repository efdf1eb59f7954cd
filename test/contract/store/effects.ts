import { describe, expect, test } from "vitest";
import type { ExposedRun } from "../../../src/knowledge/ports.ts";
import type { SqlStore } from "../../../src/store/local-store.ts";
import type { Trace } from "../../../src/trace/trace.ts";
import { anOutcome, aSpan, aTrace, hex, T0 } from "./factories.ts";

export function describeEffects(store: () => SqlStore): void {
  /** A stored run; without a status nobody judged it. */
  const run = async (changes: Partial<Trace>, status?: "success" | "failure" | "partial"): Promise<Trace> => {
    const trace = aTrace(changes);
    await store().saveMapped([], { spans: [aSpan({ traceId: trace.traceId, spanId: trace.rootSpanId })], logs: [] }, T0);
    const outcomes = status === undefined ? [] : [anOutcome(trace.id, { status, score: status === "success" ? 1 : 0 })];
    await store().saveManyAssembled([{ traceId: trace.traceId, traces: [trace], outcomes, seenArrivalUs: T0 + 10 }]);
    return trace;
  };
  const exposed = async (itemId: string, of: Partial<Parameters<SqlStore["exposedRuns"]>[0]> = {}): Promise<readonly ExposedRun[]> =>
    store().exposedRuns({ itemId, ...of });

  describe("exposed runs", () => {
    test("say the arm, the stated probability, the verdict and the model", async () => {
      const item = hex(32);
      const given = await run(
        { exposure: { given: [item], withheld: [], withholdProbability: 0.1 }, model: "m-1", startTimeUs: T0 + 5 },
        "success",
      );
      const withheld = await run({ exposure: { given: [], withheld: [item], withholdProbability: 0.2 } }, "partial");
      const rows = new Map((await exposed(item)).map((row) => [row.runId, row]));
      expect(rows.get(given.id)).toEqual({
        runId: given.id,
        unitId: given.traceId,
        given: true,
        probability: 0.1,
        control: false,
        controlShare: 0,
        success: true,
        model: "m-1",
        startTimeUs: T0 + 5,
      });
      expect(rows.get(withheld.id)).toMatchObject({ given: false, probability: 0.2, success: false });
    });

    test("of one conversation are one unit", async () => {
      const [item, conversationId] = [hex(32), hex(20)];
      for (let n = 0; n < 2; n += 1) await run({ conversationId, exposure: { given: [item], withheld: [], withholdProbability: 0.1 } });
      expect((await exposed(item)).map(({ unitId }) => unitId)).toEqual([conversationId, conversationId]);
    });

    test("that ended in an error and were never judged failed; others without a verdict are open", async () => {
      const item = hex(32);
      const exposure = { given: [item], withheld: [], withholdProbability: 0.1 };
      const crashed = await run({ exposure, error: { message: "out of memory" } });
      const open = await run({ exposure });
      const rows = new Map((await exposed(item)).map((row) => [row.runId, row]));
      expect(rows.get(crashed.id)?.success).toBe(false);
      expect("success" in (rows.get(open.id) as object)).toBe(false);
    });

    test("of the control group say so, and pinned items have the control share as their probability", async () => {
      const [pinned, normal] = [hex(32), hex(32)];
      const exposure = {
        given: [],
        withheld: [pinned, normal],
        withholdProbability: 0.28,
        pinned: [pinned],
        arm: "control",
        controlShare: 0.2,
      } as const;
      const { id } = await run({ exposure }, "failure");
      expect(await exposed(normal)).toMatchObject([{ runId: id, control: true, controlShare: 0.2, probability: 0.28, given: false }]);
      expect(await exposed(pinned)).toMatchObject([{ control: true, probability: 0.2 }]);
      const library = await store().controlledRuns({ limit: 10_000 });
      expect(library.find(({ runId }) => runId === id)).toMatchObject({ given: false, control: true, probability: 0.2, success: false });
    });

    test("come in pages by run id, and only those that began since", async () => {
      const item = hex(32);
      const exposure = { given: [item], withheld: [], withholdProbability: 0.1 };
      for (let n = 0; n < 5; n += 1) await run({ exposure, startTimeUs: T0 + n });
      const first = await exposed(item, { limit: 3 });
      const second = await exposed(item, { limit: 3, after: first.at(-1)?.runId ?? "" });
      const ids = [...first, ...second].map(({ runId }) => runId);
      expect([first.length, second.length]).toEqual([3, 2]);
      expect(ids).toEqual([...new Set(ids)].sort());
      expect((await exposed(item, { sinceUs: T0 + 3 })).map(({ startTimeUs }) => startTimeUs).sort()).toEqual([T0 + 3, T0 + 4]);
    });

    test("of an unknown item are none", async () => {
      expect(await exposed(hex(32))).toEqual([]);
    });
  });

  describe("modelsBefore", () => {
    test("names the models of an agent's runs that began before", async () => {
      const agentName = hex(10);
      await run({ agentName, model: "old", startTimeUs: T0 + 1 });
      await run({ agentName, model: "new", startTimeUs: T0 + 9 });
      expect([await store().modelsBefore(T0 + 5, { agentName }), await store().modelsBefore(T0 + 10, { agentName })]).toEqual([
        ["old"],
        ["new", "old"],
      ]);
    });
  });
}
