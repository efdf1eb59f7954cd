import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LearnError } from "../../../src/base/error.ts";
import { judgeTraces } from "../../../src/learner/judge-traces.ts";
import { customSignal } from "../../../src/outcome/custom-signal.ts";
import type { OutcomeSignal } from "../../../src/outcome/ports.ts";
import type { Store } from "../../../src/store/ports.ts";
import { aTrace } from "../trace-factory.ts";
import { openTestStore } from "./open-test-store.ts";

const clock = { nowUs: () => 1_800_000_000_000_000 };
let store: Store;
beforeEach(async () => {
  store = await openTestStore(clock);
});
afterEach(() => store.close());

const runs = Array.from({ length: 4 }, (_, index) => ({ trace: aTrace({ id: `${String(index).padStart(32, "0")}-000000000000000a` }) }));
const judged = (signals: readonly OutcomeSignal[], signal?: AbortSignal) =>
  judgeTraces({ store, clock, signals, concurrency: 1, ...(signal === undefined ? {} : { signal }) }, runs);

/** Rejects, and counts how often it is asked. */
function failing(error: unknown): OutcomeSignal & { asked(): number } {
  let asked = 0;
  return {
    name: "llm",
    asked: () => asked,
    judge: () => {
      asked += 1;
      return Promise.reject(error);
    },
  };
}

describe("judging runs when learning", () => {
  test("stores every outcome, and gives each run the one that counts", async () => {
    const { traces, faults } = await judged([customSignal("a", () => 0.9), customSignal("b", () => 0.1)]);
    expect([traces.map(({ outcome }) => outcome?.source), faults]).toEqual([["signal:b", "signal:b", "signal:b", "signal:b"], []]);
    expect((await store.outcomesOf(runs[0]?.trace.id ?? "")).map(({ source }) => source)).toEqual(["signal:b", "signal:a"]);
  });

  // A provider that was down was asked for every one of a thousand runs, a minute each.
  test.each([
    ["unavailable", 1],
    ["invalid", 3],
  ] as const)("a signal that failed with %s is asked %s times, and the others judge", async (code, times) => {
    const down = failing(new LearnError(code, "no answer"));
    const { traces, faults } = await judged([down, customSignal("fine", () => 1)]);
    expect(down.asked()).toBe(times);
    expect(faults).toMatchObject([{ analyzer: "outcome llm", error: { code } }]);
    expect(traces.every(({ outcome }) => outcome?.source === "signal:fine")).toBe(true);
  });

  test("one that is broken is asked for each run: the fault may lie in the run", async () => {
    const broken = failing(new TypeError("is not a function"));
    const { faults } = await judged([broken]);
    expect([broken.asked(), faults.length, faults[0]?.error.code]).toEqual([4, 1, "internal"]);
  });

  // A run whose text the provider refused (too long, against its policy) was the oldest unread one in every cycle: nobody was judged after it, ever.
  test("a run that the model refuses is named, and holds back no other", async () => {
    const picky: OutcomeSignal = {
      name: "llm",
      judge: (trace) => {
        if (trace.id === runs[0]?.trace.id) throw new LearnError("invalid", "400 content policy");
        return { traceId: trace.id, source: "judge:llm", status: "success", score: 1, reasoning: "", evidence: [], createdAtUs: 1 };
      },
    };
    const { traces, faults } = await judged([picky]);
    expect(traces.map(({ outcome }) => outcome?.source)).toEqual([undefined, "judge:llm", "judge:llm", "judge:llm"]);
    expect(faults).toMatchObject([{ error: { code: "internal", message: expect.stringContaining("400 content policy") } }]);
  });

  test("ends with cancelled when it is told to", async () => {
    const abort = new AbortController();
    const stopping = customSignal("stop", () => {
      abort.abort();
      return 1;
    });
    await expect(judged([stopping], abort.signal)).rejects.toMatchObject({ code: "cancelled" });
  });
});
