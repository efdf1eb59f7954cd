import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { verdict } from "../../../src/outcome/judge.ts";
import type { SqlStore } from "../../../src/store/local-store.ts";
import type { Trace } from "../../../src/trace/trace.ts";
import { anOutcome, aStep, aTrace, hex, T0 } from "./factories.ts";
import { verdictCases } from "./verdicts.ts";

export function describeTraces(store: () => SqlStore): void {
  const save = async (trace: Trace, ...outcomes: ReturnType<typeof anOutcome>[]) => {
    await store().saveManyAssembled([{ traceId: trace.traceId, traces: [trace], outcomes, seenArrivalUs: T0 }]);
    return trace;
  };

  describe("traces", () => {
    test("gives a trace back as it was assembled", async () => {
      const trace = await save(
        aTrace({
          task: "a\0b 'quoted' ✓",
          agentName: "biller",
          conversationId: "c1",
          usage: { inputTokens: 3, outputTokens: 4 },
          error: { message: "boom\0", type: "Timeout" },
          steps: [aStep({ output: "x\0y" }), aStep({ seq: 1, arguments: { a: [1, null] }, error: { message: "no" } })],
          exposure: { given: ["k1"], withheld: [], withholdProbability: 0.1 },
          evaluations: [{ name: "quality", score: 3 }],
        }),
      );
      expect(await store().getTrace(trace.id)).toEqual(trace);
    });

    test("finds a trace by any prefix that is unique, among them its W3C trace id", async () => {
      const trace = await save(aTrace());
      expect((await store().getTrace(trace.id.slice(0, 20))).id).toBe(trace.id);
      expect((await store().getTrace(trace.traceId)).id).toBe(trace.id);
    });

    test("refuses an ambiguous prefix naming the candidates, and an unknown one", async () => {
      const traceId = hex(32);
      const [first, second] = [aTrace({ traceId }), aTrace({ traceId })];
      await store().saveManyAssembled([{ traceId, traces: [first, second], outcomes: [], seenArrivalUs: T0 }]);
      const refused = store().getTrace(traceId);
      await expect(refused).rejects.toMatchObject({ code: "conflict", message: expect.stringContaining(first.id) });
      await expect(refused).rejects.toMatchObject({ message: expect.stringContaining(second.id) });
      await expect(store().getTrace(`${hex(32)}%`)).rejects.toMatchObject({ code: "not-found" });
      await expect(store().getTrace("")).rejects.toMatchObject({ code: "not-found" });
    });

    test("lists newest first, filtered by agent and status, with a limit", async () => {
      const agentName = `agent-${hex(8)}`;
      const first = await save(aTrace({ agentName, startTimeUs: T0 + 1 }));
      const second = await save(aTrace({ agentName, startTimeUs: T0 + 2 }));
      const ids = async (filter: object) => (await store().listTraces({ agentName, ...filter })).map((trace) => trace.id);
      expect(await ids({})).toEqual([second.id, first.id]);
      expect(await ids({ limit: 1 })).toEqual([second.id]);
      await store().saveOutcomes([anOutcome(first.id, { status: "partial", score: 0.5 })]);
      expect(await ids({ status: "partial" })).toEqual([first.id]);
      expect(await ids({ status: "failure" })).toEqual([]);
    });

    test("lists what a person should look at, until one has said something", async () => {
      const agentName = `agent-${hex(8)}`;
      const [odd, fine] = [await save(aTrace({ agentName })), await save(aTrace({ agentName }))];
      await store().saveOutcomes([
        anOutcome(odd.id, { source: "composite:a", review: true }),
        anOutcome(fine.id, { source: "composite:a" }),
      ]);
      const listed = async () => (await store().listTraces({ agentName, review: true })).map(({ id }) => id);
      expect(await listed()).toEqual([odd.id]);
      expect(await store().outcomesOf(odd.id)).toMatchObject([{ review: true }]);
      await store().saveOutcomes([anOutcome(odd.id, { source: "feedback:user" })]);
      expect(await listed()).toEqual([]);
    });

    test("a list shows duration, steps and, once judged, status and score", async () => {
      const agentName = `agent-${hex(8)}`;
      const trace = await save(aTrace({ agentName, steps: [aStep()] }));
      const summary = async () => (await store().listTraces({ agentName }))[0];
      const { id, task, output, startTimeUs, completeness } = trace;
      const unjudged = { id, task, output, agentName, startTimeUs, completeness, durationMs: 2500, stepCount: 1 };
      expect(await summary()).toEqual(unjudged);
      await store().saveOutcomes([anOutcome(trace.id, { score: 0.75 })]);
      expect(await summary()).toEqual({ ...unjudged, status: "success", score: 0.75 });
    });

    test("searches task, output and step errors, best match first, and takes hostile text as words", async () => {
      const word = `w${hex(16)}`;
      const once = await save(aTrace({ task: `about ${word} and much else that is not about the word at all` }));
      const often = await save(aTrace({ task: word, output: word, steps: [aStep({ error: { message: word } })] }));
      const error = await save(aTrace({ steps: [aStep({ error: { message: `broken ${word} here in this step of the run` } })] }));
      const ids = (await store().searchTraces(`"${word}* AND ( NEAR`, 10)).map((trace) => trace.id);
      expect(ids[0]).toBe(often.id);
      expect([...ids].sort()).toEqual([once.id, often.id, error.id].sort());
      expect(await store().searchTraces(word, 1)).toHaveLength(1);
      expect(await store().searchTraces("", 10)).toEqual([]);
    });

    test("text of a replaced run is not found any more", async () => {
      const word = `w${hex(16)}`;
      const trace = await save(aTrace({ task: word }));
      await save({ ...trace, task: "other" });
      expect(await store().searchTraces(word, 10)).toEqual([]);
    });
  });

  describe("outcomes", () => {
    test("one outcome per source: later replaces earlier, others stay", async () => {
      const trace = await save(aTrace(), anOutcome("x"));
      const before = anOutcome(trace.id, { source: "check:a", score: 1 });
      const after = anOutcome(trace.id, { source: "check:a", status: "failure", score: 0, reasoning: "no\0", evidence: ["e\0"] });
      const other = anOutcome(trace.id);
      await store().saveOutcomes([before, other]);
      await store().saveOutcomes([after]);
      expect(await store().outcomesOf(trace.id)).toEqual([after, other]);
    });

    test.each(verdictCases)("of several outcomes counts $rule", async ({ outcomes, counts }) => {
      const agentName = `agent-${hex(8)}`;
      const trace = await save(aTrace({ agentName }));
      await store().saveOutcomes(outcomes.map((outcome) => anOutcome(trace.id, outcome)));
      const [summary] = await store().listTraces({ agentName });
      expect([summary?.status, summary?.score]).toEqual([counts.status, counts.score]);
    });

    test("counts the same outcome as the judge does, whatever was said", async () => {
      const agentName = `agent-${hex(8)}`;
      const trace = await save(aTrace({ agentName }));
      const kinds = ["check", "judge", "signal", "composite", "evaluation", "feedback"];
      const source = fc.constantFrom("deterministic", ...kinds.flatMap((kind) => [`${kind}:a`, `${kind}:b`]));
      const status = fc.constantFrom("success", "failure", "partial");
      const outcome = fc.record({ source, status, score: fc.constantFrom(0, 0.5, 1), createdAtUs: fc.constantFrom(T0, T0 + 1) });
      const outcomes = fc.uniqueArray(outcome, { minLength: 1, maxLength: 7, selector: (entry) => entry.source });
      await fc.assert(
        fc.asyncProperty(outcomes, async (said) => {
          const judged = said.map((entry) => anOutcome(trace.id, entry));
          await store().saveManyAssembled([{ traceId: trace.traceId, traces: [], outcomes: [], seenArrivalUs: T0 }]);
          await store().saveManyAssembled([{ traceId: trace.traceId, traces: [trace], outcomes: judged, seenArrivalUs: T0 }]);
          const [stored] = await store().outcomesOf(trace.id);
          expect(stored).toEqual(verdict(judged));
          expect((await store().listTraces({ agentName }))[0]?.score).toBe(stored?.score);
        }),
        { numRuns: 60 },
      );
    });

    test("outcomes saved before the run exists count when it comes", async () => {
      const agentName = `agent-${hex(8)}`;
      const trace = aTrace({ agentName });
      await store().saveOutcomes([anOutcome(trace.id, { source: "evaluation:x", status: "partial", score: 0.4 })]);
      await save(trace);
      expect((await store().listTraces({ agentName }))[0]?.status).toBe("partial");
    });

    // The one outcome that comes with a run is written with it, without a look at others; so it must be told from one that is not alone.
    test("an outcome that comes with the run does not hide a stronger one that was there", async () => {
      const agentName = `agent-${hex(8)}`;
      const trace = aTrace({ agentName });
      await store().saveOutcomes([anOutcome(trace.id, { source: "evaluation:x", status: "failure", score: 0.1 })]);
      for (let assembled = 0; assembled < 2; assembled += 1) {
        await save(trace, anOutcome(trace.id, { source: "deterministic", status: "success", score: 1 }));
        expect((await store().listTraces({ agentName }))[0]).toMatchObject({ status: "failure", score: 0.1 });
      }
    });

    test("evaluations and feedback survive assembling again, checks are made anew", async () => {
      const trace = await save(aTrace());
      const sources = ["deterministic", "check:a", "evaluation:b", "feedback:user"];
      await store().saveOutcomes(sources.map((source) => anOutcome(trace.id, { source })));
      await save(trace);
      expect((await store().outcomesOf(trace.id)).map((outcome) => outcome.source)).toEqual(["feedback:user", "evaluation:b"]);
    });

    test("keeps feedback by W3C trace id, given before the spans and by run id too", async () => {
      const trace = aTrace();
      await store().addFeedback({ traceId: trace.traceId.toUpperCase(), score: 0 });
      await store().addFeedback({ traceId: trace.id, score: 1, comment: "good\0", source: "reviewer" });
      const feedback = (await store().materialOf([trace.traceId]))[0]?.feedback;
      expect(feedback?.map(({ createdAtUs, ...rest }) => ({ ...rest, dated: createdAtUs > 0 }))).toEqual([
        { traceId: trace.traceId, score: 0, dated: true },
        { traceId: trace.id, score: 1, comment: "good\0", source: "reviewer", dated: true },
      ]);
    });

    test.each([-0.1, 1.1, Number.NaN])("refuses feedback score %d", async (score) => {
      await expect(store().addFeedback({ traceId: hex(32), score })).rejects.toMatchObject({ code: "invalid" });
    });

    test.each(["support team", "", "a".repeat(65)])("refuses feedback of source %j, which no outcome could carry", async (source) => {
      await expect(store().addFeedback({ traceId: hex(32), score: 1, source })).rejects.toMatchObject({ code: "invalid" });
    });

    test("refuses feedback for something that is no trace id", async () => {
      await expect(store().addFeedback({ traceId: "latest", score: 1 })).rejects.toMatchObject({ code: "invalid" });
    });
  });

  describe("lessons", () => {
    const unread = async () => (await store().unanalyzed(10_000)).map((judged) => judged.trace.id);

    test("gives judged traces that were not analysed, oldest first, with the outcome that counts", async () => {
      const newer = await save(aTrace({ startTimeUs: 200, steps: [aStep()] }), anOutcome("other"));
      const older = await save(aTrace({ startTimeUs: 100 }));
      const unjudged = await save(aTrace({ startTimeUs: 50 }));
      const weak = anOutcome(older.id);
      const strong = anOutcome(older.id, { source: "feedback:user", status: "failure", score: 0 });
      await store().saveOutcomes([anOutcome(newer.id), weak, strong]);
      expect(await store().unanalyzed(2)).toEqual([
        { trace: older, outcome: strong },
        { trace: newer, outcome: anOutcome(newer.id) },
      ]);
      expect(await unread()).not.toContain(unjudged.id);
      await store().markAnalyzed([older.id, newer.id]);
      await store().markAnalyzed([older.id]);
      const after = await unread();
      expect([older.id, newer.id].filter((id) => after.includes(id))).toEqual([]);
    });

    test("a late span never makes an analysed run be read again, also when it changes the id of the run", async () => {
      const trace = await save(aTrace());
      await store().saveOutcomes([anOutcome(trace.id)]);
      await store().markAnalyzed([trace.id]);
      await save({ ...trace, spanCount: 2 }, anOutcome(trace.id));
      expect(await unread()).not.toContain(trace.id);
      const rooted = aTrace({ traceId: trace.traceId });
      await save(rooted, anOutcome(rooted.id));
      expect(await unread()).not.toContain(rooted.id);
    });

    test("a second run of the same W3C trace is read although the first was", async () => {
      const first = await save(aTrace());
      await store().markAnalyzed([first.id]);
      const second = aTrace({ traceId: first.traceId });
      await store().saveManyAssembled([
        { traceId: first.traceId, traces: [first, second], outcomes: [anOutcome(first.id), anOutcome(second.id)], seenArrivalUs: T0 },
      ]);
      expect((await unread()).filter((id) => id.startsWith(first.traceId))).toEqual([second.id]);
    });

    test("a run that only background analyzers have read is unread for all others, until one of them has read it", async () => {
      const trace = await save(aTrace(), anOutcome("other"));
      await store().saveOutcomes([anOutcome(trace.id)]);
      const isUnread = async (reading: "background" | "full") =>
        (await store().unanalyzed(10_000, reading)).some((judged) => judged.trace.id === trace.id);
      const both = async () => [await isUnread("background"), await isUnread("full")];
      await store().markAnalyzed([trace.id], "background");
      const half = await both();
      await store().markAnalyzed([trace.id]);
      const full = await both();
      await store().markAnalyzed([trace.id], "background");
      expect([half, full, await both()]).toEqual([
        [false, true],
        [false, false],
        [false, false],
      ]);
    });

    test("keeps for an analyzer what it left of the runs it was offered, and no others", async () => {
      const [first, second, third] = [await save(aTrace()), await save(aTrace()), await save(aTrace())];
      for (const { id } of [first, second, third]) await store().saveOutcomes([anOutcome(id)]);
      const name = `batch-${hex(8)}`;
      const kept = async (analyzer = name) => (await store().keptFor(analyzer, 10)).map((judged) => [judged.trace.id, judged.kept]).sort();
      const all = [first.id, second.id, third.id];
      await store().keep(name, all, [{ reason: "few", traceIds: [first.id, second.id, "not offered"], until: "more" }]);
      expect(await kept()).toEqual(
        [
          [first.id, "more"],
          [second.id, "more"],
        ].sort(),
      );
      expect((await store().keptFor(name, 10))[0]?.outcome?.status).toBe("success");
      expect(await kept("another")).toEqual([]);
      await store().keep(name, [second.id], [{ reason: "many", traceIds: [second.id], until: "next" }]);
      await store().keep(name, [first.id], []);
      expect(await kept()).toEqual([[second.id, "next"]]);
      await store().keep(name, [second.id], []);
      expect(await kept()).toEqual([]);
    });

    test("a run that was left for later and gets another id by a late root is read again", async () => {
      const trace = await save(aTrace());
      await store().saveOutcomes([anOutcome(trace.id)]);
      await store().keep("batch", [trace.id], [{ reason: "few", traceIds: [trace.id], until: "more" }]);
      await store().markAnalyzed([trace.id]);
      const rooted = aTrace({ traceId: trace.traceId });
      await save(rooted, anOutcome(rooted.id));
      expect(await unread()).toContain(rooted.id);
      expect((await store().keptFor("batch", 10_000)).map((judged) => judged.trace.id)).not.toContain(trace.id);
    });

    test("stores refusals", async () => {
      await expect(store().saveRefusals([{ reason: "too vague\0", traceIds: [hex(32)], text: "be good" }], "llm")).resolves.toBeUndefined();
      await expect(store().saveRefusals([], "llm")).resolves.toBeUndefined();
    });
  });
}
