import { readFileSync, writeFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import type { Validation } from "../../src/knowledge/knowledge-item.ts";
import { recordValidation } from "../../src/knowledge/life-cycle.ts";
import { validate } from "../../src/knowledge/validate.ts";
import { startLoopbackModel } from "../../src/testing/loopback-model.ts";
import { aLesson } from "../contract/store/factories.ts";
import { agentlearn } from "../support/agentlearn-cli.ts";
// biome-ignore lint/correctness/useImportExtensions: the rule takes the declarations beside the file for the file
import { judgeBrain } from "../support/judge-model.mjs";
import { openSqlStore } from "../support/sql-store.ts";
import { temporaryFolder } from "../unit/store/temporary.ts";
import { aTrace } from "../unit/trace-factory.ts";

const inFolder = temporaryFolder();
let store = "";
let itemId = "";
let certificateFile = "";

beforeAll(async () => {
  const path = inFolder("gate.db");
  store = `file:${path}`;
  const opened = await openSqlStore(path);
  const { item } = await opened.propose(aLesson({ content: "Give weights in grams." }), "learner");
  itemId = item.id;
  const ids = Array.from({ length: 12 }, (_, index) => `case-${index}`);
  await opened.saveEvalCases(
    ids.map((id) => ({ id, task: `weigh ${id}`, expected: "g", tags: [], mustPass: id === "case-0", createdAtUs: 1 })),
  );
  const certificate = await validate({
    item,
    cases: ids.map((id) => ({ id, task: `weigh ${id}`, mustPass: false, score: (output: string) => Number(output === "g") })),
    runner: (_task, knowledge) => (knowledge === "" ? "lb" : "g"),
    context: "",
    renderWith: ({ content }) => content,
    position: 1,
    passedBefore: 0,
    nowUs: 5,
    id: "cafe0000-0000-4000-8000-000000000000",
    actor: "learner",
  });
  const { item: validated, entry } = recordValidation(item, certificate, { actor: "learner", atUs: 5 });
  await opened.saveItem(validated, entry);
  await opened.close();
  certificateFile = inFolder("certificate.json");
  writeFileSync(certificateFile, JSON.stringify(certificate));
});

const tampered = (change: (certificate: Validation) => object): string => {
  const path = inFolder("tampered.json");
  writeFileSync(path, JSON.stringify(change(JSON.parse(readFileSync(certificateFile, "utf8")) as Validation)));
  return path;
};

describe("eval compare", () => {
  const own = () => `file:${inFolder("compare.db")}`;
  beforeAll(async () => {
    const opened = await openSqlStore(inFolder("compare.db"));
    const task = "What is 12 plus 30?";
    await opened.saveEvalCases(["1", "2"].map((id) => ({ id, task, tags: [], mustPass: false, createdAtUs: 1 })));
    for (const [name, outputs] of [
      ["before", ["It is 41.", "It is 42."]],
      ["after", ["It is 42.", "It is 42."]],
    ] as const) {
      const results = outputs.map((output, index) => {
        const passed = output === "It is 42.";
        return { caseId: `${index + 1}`, task, output, score: passed ? 1 : 0, passed, durationMs: 1 };
      });
      await opened.saveEvalRun({ id: name, name, createdAtUs: 1, passScore: 0.7, results, accuracy: 0, avgScore: 0, errored: 0 });
    }
    await opened.close();
  });

  test("says what changed between two stored runs, and asks no model unless told to", async () => {
    const ended = await agentlearn("eval", "compare", "before", "after", "--store", own());
    expect([ended.code, ended.stderr]).toEqual([0, ""]);
    expect(ended.stdout).toContain("1 wins and 0 losses");
    expect(ended.stdout).toContain("0.00 -> 1.00  What is 12 plus 30?");
    expect(ended.stdout).not.toContain("answers");
  });

  test("with --answers has them compared in both orders", async () => {
    const model = await startLoopbackModel({ brain: judgeBrain() });
    try {
      const said = await agentlearn(
        "eval",
        "compare",
        "before",
        "after",
        "--answers",
        "open",
        "--openai-base-url",
        model.url,
        "--store",
        own(),
      );
      expect([said.code, model.requests()]).toEqual([0, 2]);
      expect(said.stdout).toContain(
        "of 2 cases without an expected answer, asked in both orders: b better in 1, a in 0, 1 ties (0 because the order decided)",
      );
      const json = await agentlearn(
        "eval",
        "compare",
        "before",
        "after",
        "--answers",
        "all",
        "--openai-base-url",
        model.url,
        "--store",
        own(),
        "--json",
      );
      expect(json.json()).toMatchObject({ schema: "agentlearn.eval.compare/v1", comparison: { judged: { betterInB: 1, ties: 1 } } });
    } finally {
      await model.close();
    }
  });

  test("says what is missing", async () => {
    expect((await agentlearn("eval", "compare", "before", "gone", "--store", own())).stderr).toContain("gone");
    expect((await agentlearn("eval", "compare", "before", "after", "--answers", "some", "--store", own())).code).toBe(3);
    const blind = await agentlearn("eval", "compare", "before", "after", "--answers", "open", "--store", own());
    expect([blind.code, blind.stderr]).toEqual([3, expect.stringContaining("OPENAI_API_KEY")]);
  });
});

describe("verify-certificate", () => {
  test("computes the certificates of an item, of an id and of a file again, and exits 0", async () => {
    for (const what of [itemId.slice(0, 8), "cafe0000", certificateFile, inFolder("show.json")]) {
      if (what.endsWith("show.json"))
        writeFileSync(what, (await agentlearn("knowledge", "show", itemId, "--json", "--store", store)).stdout);
      const ended = await agentlearn("verify-certificate", what, "--json", "--store", store);
      expect([what, ended.code, ended.stderr]).toEqual([what, 0, ""]);
      expect(ended.json()).toMatchObject({
        schema: "agentlearn.verify-certificate/v1",
        ok: true,
        checked: [{ itemId, ok: true, problems: [] }],
      });
    }
  });

  test.each([
    ["the decision", (one: Validation) => ({ ...one, decision: "refuse" }), "the decision is stated as refuse"],
    [
      "a score",
      (one: Validation) => ({ ...one, pairs: one.pairs.map((pair) => ({ ...pair, candidateScore: 0 })) }),
      "candidatePassed is stated as 12",
    ],
    ["the threshold", (one: Validation) => ({ ...one, threshold: 2 }), "threshold is stated as 2"],
    ["the rule", (one: Validation) => ({ ...one, rule: 9 }), "names rule 9"],
  ])("says what does not follow after %s was changed, and exits 1", async (_what, change, problem) => {
    const ended = await agentlearn("verify-certificate", tampered(change));
    expect(ended.code).toBe(1);
    expect(ended.stdout).toContain("does not follow");
    expect(ended.stdout).toContain(problem);
  });

  test("exits 3 for a file that holds no certificate and for an id that nothing has", async () => {
    const ended = await agentlearn(
      "verify-certificate",
      tampered(() => ({ a: 1 })),
    );
    expect([ended.code, ended.stdout]).toEqual([3, ""]);
    expect(ended.stderr).toContain("holds no certificate");
    expect((await agentlearn("verify-certificate", "ffffffff", "--store", store)).code).toBe(3);
  });
});

describe("eval cases", () => {
  test("shows how often each case decided", async () => {
    const ended = await agentlearn("eval", "cases", "--json", "--store", store);
    expect(ended.code).toBe(0);
    const { cases, worn } = ended.json() as { cases: readonly { id: string; wear: object }[]; worn: number };
    expect([cases.length, worn]).toEqual([12, 0]);
    expect(cases[0]).toMatchObject({ id: "case-0", wear: { decided: 1, again: 0, runs: 2, worn: false } });
    expect((await agentlearn("eval", "cases", "--store", store)).stdout).toContain("weigh case-0");
  });
});

describe("learn", () => {
  test("warns of worn cases after a test, on stderr", async () => {
    const path = inFolder("worn.db");
    const opened = await openSqlStore(path);
    const one = JSON.parse(readFileSync(certificateFile, "utf8")) as Validation;
    await opened.saveEvalCases([{ id: "case-1", task: "weigh case-1", expected: "g", tags: [], mustPass: false, createdAtUs: 1 }]);
    const run = aTrace({ task: "weigh the parcel" });
    await opened.saveManyAssembled([{ traceId: run.traceId, traces: [run], outcomes: [], seenArrivalUs: 0 }]);
    const { item } = await opened.propose(aLesson({ content: "Give weights in grams.", sourceTraceIds: [run.id] }), "learner");
    for (let index = 0; index < 21; index += 1)
      await opened.saveValidation({ ...one, id: `v-${index}`, itemId: item.id, position: index + 1 });
    await opened.close();
    const shown = await agentlearn("eval", "cases", "--store", `file:${path}`);
    expect(shown.stdout).toContain("1 of 1 cases have decided more often than there are cases");
    const agent = inFolder("same.mjs");
    writeFileSync(agent, "export const run = () => 'lb';");
    const ended = await agentlearn("learn", "--agent", agent, "--store", `file:${path}`);
    expect([ended.code, ended.stdout.includes("undecided"), ended.stderr.includes("1 eval case is worn")]).toEqual([0, true, true]);
  });
});

describe("aa-test", () => {
  const module = (code: string): string => {
    const path = inFolder("agent.mjs");
    writeFileSync(path, code);
    return path;
  };
  const casesFile = (): string => {
    const path = inFolder("cases.jsonl");
    writeFileSync(
      path,
      Array.from({ length: 12 }, (_, index) => JSON.stringify({ taskInput: `task ${index}`, expectedOutput: "yes" })).join("\n"),
    );
    return path;
  };

  test("states the budget first, reports the rate with its interval, and exits 0 where the promise holds", async () => {
    // Right in half of the runs, in an order that no arm keeps.
    const agent = module(
      "let s = 7; export const run = () => ((s = (s * 1103515245 + 12345) % 2147483648) / 2147483648 < 0.5 ? 'yes' : 'no');",
    );
    const ended = await agentlearn("aa-test", "--agent", `${agent}:run`, "--cases", casesFile(), "--repetitions", "5", "--max-rounds", "2");
    expect(ended.stderr).toContain("5 tests of identical arms on 12 cases: from 120 runs of the agent on, at most 1560");
    expect(ended.stdout).toMatch(/false promotions {2}0 of 5: 0\.0 % \[0\.0 %, 52\.2 %\], promised at most 3\.0 %/);
    expect(ended.code).toBe(0);
  });

  test("exits 10 for an agent whose runs hang together, with the user's own scorer", async () => {
    const agent = module(
      "let n = 0; export const run = () => ((n++ % 24) < 12 ? 'no' : 'yes, ' + n); export const score = (output) => Number(output.startsWith('yes'));",
    );
    const ended = await agentlearn(
      "aa-test",
      "--agent",
      agent,
      "--scorer",
      `${agent}:score`,
      "--cases",
      casesFile(),
      "--repetitions",
      "8",
      "--json",
    );
    expect(ended.code).toBe(10);
    expect(ended.json()).toMatchObject({
      schema: "agentlearn.aa-test/v1",
      verdict: "broken",
      promotions: 8,
      repetitions: 8,
      agentRuns: 192,
    });
  });

  test("takes the stored cases where no file is named", async () => {
    const ended = await agentlearn(
      "aa-test",
      "--agent",
      module("export const run = () => 'g';"),
      "--repetitions",
      "1",
      "--json",
      "--store",
      store,
    );
    expect([ended.code, ended.json()["verdict"], ended.json()["cases"]]).toEqual([6, "not-begun", 12]);
  });

  test.each([
    [["--cases", "nowhere.json"], "nowhere.json can't be read"],
    [["--repetitions", "0"], "--repetitions 0 is not a whole number"],
    [["--scorer", "nowhere.mjs"], "nowhere.mjs can't be loaded"],
  ])("refuses %j", async (flags, message) => {
    const ended = await agentlearn("aa-test", "--agent", module("export const run = () => 'g';"), ...flags);
    expect(ended.code).toBe(3);
    expect(ended.stderr).toContain(message);
  });

  test("names the line of a case that is none", async () => {
    const path = inFolder("bad.jsonl");
    writeFileSync(path, '{"taskInput": "a", "expectedOutput": "b"}\n{"taskInput": 3}\n');
    const ended = await agentlearn("aa-test", "--agent", module("export const run = () => 'g';"), "--cases", path);
    expect([ended.code, ended.stderr.includes("case 2: taskInput is not a text")]).toEqual([3, true]);
  });
});
