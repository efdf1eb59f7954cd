import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { AgentLearn } from "../../src/compose/agent-learn.ts";
import { underLearnLease } from "../../src/compose/learn-lease.ts";
import { checkLearnSchedule, startLearnLoop } from "../../src/compose/learn-loop.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import { openStore } from "../../src/store/open.ts";
import type { Store } from "../../src/store/ports.ts";
import { type OpenAiServer, openOpenAiServer } from "../unit/openai-server.ts";
import { aTrace } from "../unit/trace-factory.ts";

let folder: string;
let store: Store;
let server: OpenAiServer;
const url = () => `file:${join(folder, "learn.db")}`;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "agentlearn-learn-cycle-"));
  store = await openStore({ url: url(), name: "test", mode: "share", ingest: "on-demand" });
  server = await openOpenAiServer();
  server.setMode({ kind: "answer", content: '{"lessons":[]}' });
});
afterEach(async () => {
  await server.close();
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

async function saveFailures(count: number): Promise<void> {
  const ids = Array.from({ length: count }, (_, index) => `${String(index).padStart(32, "a")}-000000000000000a`);
  const at = { source: "deterministic", status: "failure", score: 0, reasoning: "", evidence: [], createdAtUs: 1 } as const;
  await store.saveManyAssembled(
    ids.map((id, index) => {
      const trace = aTrace({ id, task: `weigh parcel ${index}` });
      return { traceId: trace.traceId, traces: [trace], outcomes: [{ ...at, traceId: id }], seenArrivalUs: 0 };
    }),
  );
}

function learner(options: object = {}): AgentLearn {
  const retry = { wait: async () => undefined };
  return new AgentLearn({ store: url(), openaiBaseUrl: server.baseUrl, model: "stub", retry, ...options });
}

async function learnOnce(options: object = {}, call: object = {}) {
  const learn = learner(options);
  try {
    return await learn.learn(call);
  } finally {
    await learn.close();
  }
}

const unread = async () => {
  const [fresh, kept] = [await store.unanalyzed(100, "full"), await store.keptFor("llm", 100)];
  return new Set([...fresh, ...kept].map(({ trace }) => trace.id)).size;
};

describe("a cycle", () => {
  // Runs beyond the twentieth were refused ("not read") and marked as read: no model ever saw them.
  test("leaves what is more than it reads at once to the next, and the report says so", async () => {
    await saveFailures(23);
    const first = await learnOnce();
    expect([first.tracesAnalyzed, first.waiting?.map(({ traces }) => traces), first.refusals, await unread()]).toEqual([20, [3], [], 3]);
    expect(first.needed).toContain("learn again: 3 traces wait");
    const second = await learnOnce();
    expect([second.tracesAnalyzed, second.waiting, server.requests.length, await unread()]).toEqual([3, undefined, 23, 0]);
  });

  test("that reaches a limit keeps what it has, says which limit, and the rest waits unread", async () => {
    await saveFailures(5);
    const report = await learnOnce({ budgetCallsPerDay: 2 });
    expect([report.tracesAnalyzed, report.cost?.calls, server.requests.length, await unread()]).toEqual([2, 2, 2, 3]);
    expect(report.stopped?.reason).toBe("daily budget of 2 calls reached: 2 calls are spent, and the next call could go beyond");
    expect(report.needed[0]).toContain("budgetCallsPerDay");
  });

  test("does not pay again for what a cycle before it asked and could not use", async () => {
    await saveFailures(3);
    server.setMode({ kind: "answer", content: '{"lessons":[]}' }, { kind: "status", status: 401 });
    await learnOnce();
    server.setMode({ kind: "answer", content: '{"lessons":[]}' });
    const report = await learnOnce();
    // 1 + 1 refused + 2: the first run was read for good.
    expect([server.requests.length, report.cost?.calls, await unread()]).toEqual([4, 2, 0]);
  });

  test("says what it cost, and that a price is unknown in place of 0", async () => {
    await saveFailures(1);
    const unknown = await learnOnce();
    expect([unknown.cost?.usd, unknown.cost?.inputTokens, unknown.needed]).toEqual([
      undefined,
      11,
      ["set modelPrices to see the cost in USD"],
    ]);
  });

  test("is planned without a write, a call or a mark on what it would read", async () => {
    await saveFailures(23);
    const learn = learner({ modelPrices: "stub=1/2" });
    const plan = await learn.plan();
    await learn.close();
    expect([plan.traces, plan.calls, plan.later, plan.obstacle]).toEqual([23, 20, 3, "needs an agent runner (setAgentRunner, or --agent)"]);
    expect(plan.usd).toBeGreaterThan(0);
    expect([server.requests.length, await unread(), (await store.status()).lastCycle]).toEqual([0, 23, undefined]);
  });

  test("that is cancelled is gone on with, by its id", async () => {
    await saveFailures(2);
    server.setMode({ kind: "hang" });
    const abort = new AbortController();
    const learning = learnOnce({}, { signal: abort.signal });
    learning.catch(() => undefined);
    await vi.waitFor(() => expect(server.requests).toHaveLength(1), { timeout: 10_000 });
    abort.abort();
    await expect(learning).rejects.toMatchObject({ code: "cancelled" });
    const begun = await store.unfinishedCycle();
    server.setMode({ kind: "answer", content: '{"lessons":[]}' });
    const report = await learnOnce();
    expect([report.cycleId, report.resumed, await store.unfinishedCycle()]).toEqual([begun?.id, true, undefined]);
  });
});

describe("one learner at a time", () => {
  test("a second one is told who learns", async () => {
    let finish = (): void => {};
    const first = underLearnLease({ store, who: "agent biller" }, () => new Promise<void>((resolve) => (finish = resolve)));
    await vi.waitFor(async () => expect(await store.leaseHolder("learn:all")).toBeDefined());
    const error = await learnOnce({}, { waitMs: 0 }).catch((caught: unknown) => caught);
    expect(error).toMatchObject({
      code: "conflict",
      message: `agent biller (process ${process.pid} on ${hostname()}) is learning on this store`,
    });
    finish();
    await first;
  });

  test("a second one waits, and goes on when the first is done", async () => {
    const order: string[] = [];
    const first = underLearnLease({ store, who: "a" }, async () => {
      await sleep(600);
      order.push("first");
    });
    await vi.waitFor(async () => expect(await store.leaseHolder("learn:all")).toBeDefined());
    await underLearnLease({ store, who: "b", onWait: () => order.push("waits") }, async () => void order.push("second"));
    await first;
    expect(order).toEqual(["waits", "first", "second"]);
  });

  test("one whose process died on this machine is not waited for", async () => {
    const child = spawn(process.execPath, ["-e", ""]);
    await new Promise((resolve) => child.once("exit", resolve));
    await underLearnLease({ store, who: "dead" }, async () => {
      const holder = (await store.leaseHolder("learn:all")) ?? "";
      await store.releaseLease("learn:all", holder);
      await store.takeLease("learn:all", holder.replace(`| ${process.pid} `, `| ${child.pid} `), 3_600_000);
    });
    expect(await underLearnLease({ store, who: "alive", waitMs: 0 }, async () => "learns")).toBe("learns");
  });
});

describe("the schedule of the collector", () => {
  const config = (code: object) => loadConfig({ env: {}, code: { store: url(), model: "stub", learnEveryMs: 3_600_000, ...code } });

  test.each([
    ["a model", { budgetCallsPerDay: 1 }, "no model"],
    ["a daily budget", { openaiBaseUrl: "http://127.0.0.1:9/v1", budgetCallsPerCycle: 1 }, "without a daily budget"],
  ])("is refused without %s", (_what, code, words) => {
    expect(() => checkLearnSchedule(config({ learnWithModelEveryMs: 1_000, ...code }))).toThrow(words);
  });

  test("asks the model within the budget, and not at all unless it is set", async () => {
    await saveFailures(3);
    const model = { openaiBaseUrl: server.baseUrl, budgetCallsPerDay: 2 };
    const quiet = startLearnLoop({ store, config: config(model) });
    await sleep(300);
    await quiet();
    expect(server.requests).toHaveLength(0);
    const end = startLearnLoop({ store, config: config({ ...model, learnWithModelEveryMs: 50 }) });
    await vi.waitFor(async () => expect(await unread()).toBe(1), { timeout: 15_000 });
    await sleep(500);
    await end();
    expect(server.requests).toHaveLength(2);
  });

  test("ends a cycle in the middle of a call", async () => {
    await saveFailures(1);
    server.setMode({ kind: "hang" });
    const end = startLearnLoop({
      store,
      config: config({ openaiBaseUrl: server.baseUrl, budgetCallsPerDay: 9, learnWithModelEveryMs: 50 }),
    });
    await vi.waitFor(() => expect(server.requests).toHaveLength(1), { timeout: 15_000 });
    await end();
    expect([await unread(), await store.leaseHolder("learn:all")]).toEqual([1, undefined]);
  });
});
