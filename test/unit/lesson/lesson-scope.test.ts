import { describe, expect, test } from "vitest";
import { LearnError } from "../../../src/base/error.ts";
import { digest } from "../../../src/base/id.ts";
import type { Lesson } from "../../../src/lesson/lesson.ts";
import type { AnalysisResult, Analyzer, JudgedTrace } from "../../../src/lesson/ports.ts";
import { type ProposeOptions, propose } from "../../../src/lesson/propose.ts";
import type { Trace } from "../../../src/trace/trace.ts";
import { aLesson } from "../lesson-factory.ts";
import { aStep, aTrace } from "../trace-factory.ts";

const run = (id: string, of: Partial<Trace> = {}): JudgedTrace => ({ trace: aTrace({ id, ...of }) });
const subAgent = (name: string) => aStep({ kind: "agent", name });

/** One lesson about all the runs it is shown. */
const readsAll: Analyzer = {
  name: "all",
  analyze: async (runs) => ({ lessons: [aLesson({ sourceTraceIds: runs.map(({ trace }) => trace.id), fingerprint: "f" })], refusals: [] }),
};
const scopesOf = async (runs: readonly JudgedTrace[], options: ProposeOptions = {}) =>
  (await propose(runs, [readsAll], options)).lessons.map(({ tenant, service, agentName, sourceTraceIds }) => ({
    ...(tenant === undefined ? {} : { tenant }),
    ...(service === undefined ? {} : { service }),
    ...(agentName === undefined ? {} : { agentName }),
    from: sourceTraceIds.join(" "),
  }));

describe("tenants", () => {
  test("are read apart, and those without one apart from them", async () => {
    const runs = [run("a1", { tenant: "acme" }), run("b1", { tenant: "beta" }), run("n1"), run("a2", { tenant: "acme" })];
    expect(await scopesOf(runs)).toEqual([{ tenant: "acme", from: "a1 a2" }, { tenant: "beta", from: "b1" }, { from: "n1" }]);
  });

  test("are read together where they are shared, and then nothing is narrowed", async () => {
    const runs = [run("a1", { tenant: "acme", agentName: "desk" }), run("b1", { tenant: "beta", agentName: "desk" })];
    expect(await scopesOf(runs, { scope: "open" })).toEqual([{ from: "a1 b1" }]);
  });

  test("that one run names two of leave it unread, with the reason", async () => {
    const { lessons, refusals } = await propose([run("m", { mixedTenants: true })], [readsAll]);
    expect([lessons, refusals]).toEqual([[], [{ reason: expect.stringContaining("several tenants"), traceIds: ["m"] }]]);
    expect(await scopesOf([run("m", { mixedTenants: true })], { scope: "open" })).toEqual([{ from: "m" }]);
  });

  test("have equal lessons of their own, which no later sighting joins", async () => {
    const { lessons } = await propose([run("a", { tenant: "acme" }), run("b", { tenant: "beta" }), run("n")], [readsAll]);
    expect(new Set(lessons.map(({ fingerprint }) => fingerprint)).size).toBe(3);
  });

  test("hand an analyzer what is stored of their own only", async () => {
    const asked: (string | undefined)[] = [];
    const none = { itemsNear: async () => [], successesLike: async () => [] };
    await propose([run("a", { tenant: "acme" }), run("n")], [readsAll], {
      surroundings: (tenant) => {
        asked.push(tenant);
        return none;
      },
    });
    expect(asked).toEqual(["acme", undefined]);
  });
});

// Asked tenant by tenant, an analyzer may break off in between: what it did not come to must not count as read.
describe("an analyzer that breaks off at the second tenant", () => {
  const runs = [run("a", { tenant: "acme" }), run("b", { tenant: "beta" }), run("c", { tenant: "gamma" })];
  const error = new LearnError("unavailable", "no answer");
  const second = (result: () => AnalysisResult): Analyzer => {
    let calls = 0;
    return {
      name: "broken",
      analyze: async () => {
        calls += 1;
        return calls === 1 ? { lessons: [], refusals: [] } : result();
      },
    };
  };
  const left = async (analyzer: Analyzer) => {
    const { unread, failures } = await propose(runs, [analyzer]);
    return [unread.map(({ traceIds, until }) => `${traceIds.join(" ")} ${until}`), failures.length];
  };

  test.each<[string, () => AnalysisResult, readonly string[]]>([
    [
      "by throwing",
      () => {
        throw error;
      },
      ["b c next"],
    ],
    ["without a word about its runs", () => ({ lessons: [], refusals: [], failure: error }), ["b c next"]],
    [
      "having said which it left",
      () => ({ lessons: [], refusals: [], failure: error, unread: [{ reason: "left", traceIds: ["b"], until: "next" }] }),
      ["b next", "c next"],
    ],
  ])("%s leaves that tenant's and the later ones' runs for later", async (_how, result, unread) => {
    expect(await left(second(result))).toEqual([unread, 1]);
  });

  test("leaves everything where it was the first", async () => {
    const down: Analyzer = { name: "down", analyze: () => Promise.reject(error) };
    expect(await left(down)).toEqual([[], 1]);
  });
});

describe("agent and service", () => {
  test.each<[string, readonly Partial<Trace>[], Pick<Lesson, "agentName" | "service">]>([
    ["the agent, where all runs are of one that worked alone", [{ agentName: "desk", service: "shop" }], { agentName: "desk" }],
    [
      "that agent, also from several services",
      [
        { agentName: "desk", service: "eu" },
        { agentName: "desk", service: "us" },
      ],
      { agentName: "desk" },
    ],
    [
      "the service, where other agents worked under it: it may be about any of them",
      [{ agentName: "planner", service: "shop", steps: [subAgent("writer")] }],
      { service: "shop" },
    ],
    ["the agent that called itself", [{ agentName: "desk", service: "shop", steps: [subAgent("desk")] }], { agentName: "desk" }],
    [
      "the service, where several agents of it teach the same",
      [
        { agentName: "a", service: "shop" },
        { agentName: "b", service: "shop" },
      ],
      { service: "shop" },
    ],
    ["the service, where no agent has a name", [{ service: "shop" }, { service: "shop" }], { service: "shop" }],
    [
      "the agent with others under it, where nobody named the service",
      [{ agentName: "planner", steps: [subAgent("writer")] }],
      { agentName: "planner" },
    ],
    ["nobody, where only the SDK named the service", [{ service: "unknown_service:node" }], {}],
    [
      "nobody, where they share neither",
      [
        { agentName: "a", service: "eu" },
        { agentName: "b", service: "us" },
      ],
      {},
    ],
    ["nobody, where one run says nothing", [{ service: "shop" }, {}], {}],
  ])("narrow a lesson to %s", async (_to, of, scope) => {
    const runs = of.map((one, index) => run(String(index), one));
    expect(await scopesOf(runs)).toEqual([{ ...scope, from: runs.map(({ trace }) => trace.id).join(" ") }]);
  });

  test("narrow nothing with scope tenant, and the tenant does", async () => {
    expect(await scopesOf([run("1", { agentName: "desk", service: "shop", tenant: "acme" })], { scope: "tenant" })).toEqual([
      { tenant: "acme", from: "1" },
    ]);
  });

  // Items that were mined before there were other scopes are found again.
  test("keep the fingerprint of what one agent taught as it was", async () => {
    const { lessons } = await propose([run("1", { agentName: "billing" })], [readsAll]);
    expect(lessons[0]?.fingerprint).toBe(digest(["f", "billing"]));
  });
});
