import { describe, expect, test } from "vitest";
import type { SqlStore } from "../../../src/store/local-store.ts";
import type { PlannedCall } from "../../../src/store/ports.ts";
import { hex } from "./factories.ts";

export function describeSpending(store: () => SqlStore): void {
  const aCall = (overrides: Partial<PlannedCall> = {}): PlannedCall => ({
    id: hex(16),
    cycleId: hex(8),
    step: "lessons",
    model: "stub",
    most: { inputTokens: 100, outputTokens: 50, usd: 0.5 },
    ...overrides,
  });
  const spent = async (cycleId: string) => store().spending({ cycleId });

  describe("spending", () => {
    test("a call is booked at its most before it is made, and at what it cost when that is known", async () => {
      const call = aCall();
      expect(await store().reserveCall(call, {})).toBeUndefined();
      expect(await spent(call.cycleId)).toEqual({ calls: 1, inputTokens: 100, outputTokens: 50, usd: 0.5, unpriced: 0, estimated: 1 });
      await store().settleCall(call.id, { inputTokens: 10, outputTokens: 5, usd: 0.125, estimated: false });
      expect(await spent(call.cycleId)).toEqual({ calls: 1, inputTokens: 10, outputTokens: 5, usd: 0.125, unpriced: 0, estimated: 0 });
    });

    test("a price that is not known is counted as unknown, and as nothing else", async () => {
      const call = aCall({ most: { inputTokens: 1, outputTokens: 1 } });
      await store().reserveCall(call, {});
      expect(await spent(call.cycleId)).toMatchObject({ calls: 1, usd: 0, unpriced: 1 });
    });

    test.each([
      ["usdPerCycle", { usdPerCycle: 0.9 }, 0.9, 0.5],
      ["tokensPerCycle", { tokensPerCycle: 299 }, 299, 150],
      ["callsPerCycle", { callsPerCycle: 1 }, 1, 1],
    ] as const)("of %s the call that could go beyond it is refused, and books nothing", async (limit, limits, allowed, before) => {
      const cycleId = hex(8);
      expect(await store().reserveCall(aCall({ cycleId }), limits)).toBeUndefined();
      expect(await store().reserveCall(aCall({ cycleId }), limits)).toEqual({ limit, allowed, spent: before });
      expect((await spent(cycleId)).calls).toBe(1);
    });

    test("a limit of a day counts all cycles of it", async () => {
      const { calls } = await store().spending("today");
      expect(await store().reserveCall(aCall(), { callsPerDay: calls + 1 })).toBeUndefined();
      expect(await store().reserveCall(aCall(), { callsPerDay: calls + 1 })).toMatchObject({ limit: "callsPerDay", spent: calls + 1 });
    });

    test("of many who ask at once for the last of a budget, one gets it", async () => {
      const cycleId = hex(8);
      const answers = await Promise.all(Array.from({ length: 8 }, () => store().reserveCall(aCall({ cycleId }), { usdPerCycle: 0.7 })));
      expect(answers.filter((refused) => refused === undefined)).toHaveLength(1);
    });

    test("of two answers to one question the first stays, and another question has none", async () => {
      const [key, cycleId] = [hex(16), hex(8)];
      const call = aCall({ cycleId });
      await store().reserveCall(call, {});
      await store().settleCall(
        call.id,
        { inputTokens: 1, outputTokens: 1, estimated: false },
        { key, cycleId, step: "lessons", answer: { a: 1 } },
      );
      await store().saveAnswer({ key, cycleId, step: "lessons", answer: { a: 2 } });
      expect([await store().answerOf(key), await store().answerOf(hex(16))]).toEqual([{ answer: { a: 1 } }, undefined]);
      await store().forgetAnswers();
      expect(await store().answerOf(key)).toBeUndefined();
    });

    test("the newest cycle that did not end is the unfinished one", async () => {
      const id = hex(8);
      const startedAtUs = 4_000_000_000_000_000;
      await store().saveCycle({ id, startedAtUs, report: null });
      expect((await store().unfinishedCycle())?.id).toBe(id);
      await store().saveCycle({ id, startedAtUs: 1, endedAtUs: 2, report: {} });
      expect((await store().unfinishedCycle())?.id).not.toBe(id);
    });

    test("who holds a lease is told, and nobody once it is over", async () => {
      const name = hex(8);
      expect(await store().leaseHolder(name)).toBeUndefined();
      await store().takeLease(name, "ada", 60_000);
      expect(await store().leaseHolder(name)).toBe("ada");
      await store().releaseLease(name, "ada");
      expect(await store().leaseHolder(name)).toBeUndefined();
    });
  });
}
