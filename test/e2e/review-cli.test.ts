import { beforeAll, describe, expect, test } from "vitest";
import { agentlearn } from "../support/agentlearn-cli.ts";
import { openSqlStore } from "../support/sql-store.ts";
import { temporaryFolder } from "../unit/store/temporary.ts";
import { aTrace } from "../unit/trace-factory.ts";

const inFolder = temporaryFolder();
const runs = ["a", "b"].map((letter) => aTrace({ id: `${letter.repeat(32)}-000000000000000a`, task: `task ${letter}` }));
let store = "";

beforeAll(async () => {
  const path = inFolder("review.db");
  store = `file:${path}`;
  const opened = await openSqlStore(path);
  await opened.saveManyAssembled(runs.map((trace) => ({ traceId: trace.traceId, traces: [trace], outcomes: [], seenArrivalUs: 0 })));
  const disputed = { traceId: runs[0]?.id ?? "", source: "composite:default", status: "partial", score: 0.5, createdAtUs: 1 } as const;
  await opened.saveOutcomes([{ ...disputed, reasoning: "no agreement", evidence: ["review: they disagree"], review: true }]);
  await opened.close();
});

const traces = (...args: readonly string[]) => agentlearn("traces", ...args, "--store", store);

describe("runs that a person should look at", () => {
  test("are listed, and shown with what they rest on", async () => {
    expect((await traces("list", "--review", "--json")).json()).toMatchObject({ traces: [{ task: "task a" }] });
    const shown = (await traces("show", "aaaa")).stdout;
    expect(shown).toContain("look at this");
    expect(shown).toContain("review: they disagree");
  });

  test.each(["2", "good", ""])("feedback with the score %j is refused", async (score) => {
    const ended = await traces("feedback", "aaaa", "--score", score);
    expect(ended.code).toBe(3);
    expect(ended.stderr).toMatch(/score/);
  });

  test("feedback is stored under the run's whole id", async () => {
    const ended = await traces("feedback", "bbbb", "--score", "1", "--comment", "fine", "--json");
    expect(ended.json()).toMatchObject({ schema: "agentlearn.traces.feedback/v1", traceId: runs[1]?.id });
    const opened = await openSqlStore(inFolder("review.db"));
    const [kept] = await opened.materialOf(["b".repeat(32)]);
    expect(kept?.feedback).toMatchObject([{ score: 1, comment: "fine" }]);
    await opened.close();
  });
});
