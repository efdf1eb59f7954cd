import { afterEach, beforeEach, expect, test } from "vitest";
import { createSpendMeter } from "../../../src/learner/spend-meter.ts";
import { createLlm, type Llm } from "../../../src/llm/client.ts";
import { createLlmJudge, type LlmJudge } from "../../../src/outcome/llm-judge.ts";
import type { Store } from "../../../src/store/ports.ts";
import { type LoopbackModel, startLoopbackModel } from "../../../src/testing/loopback-model.ts";
// biome-ignore lint/correctness/useImportExtensions: the rule takes the declarations beside the file for the file
import { judgeBrain } from "../../support/judge-model.mjs";
import { openTestStore } from "./open-test-store.ts";

let store: Store;
let model: LoopbackModel;
beforeEach(async () => {
  store = await openTestStore({ nowUs: () => 1_790_000_000_000_000 });
  model = await startLoopbackModel({ brain: judgeBrain() });
});
afterEach(async () => {
  await model.close();
  await store.close();
});

const QUESTION = { task: "What is 12 plus 30? Answer with the number.", output: "It is 42." };
const server = (): Llm => createLlm({ model: "judge-1", baseUrl: model.url });
/** The judge of a process that begins or goes on with the cycle, with the answers its store has. */
async function judgeOf(llm: Llm = server(), cycleId = "c1"): Promise<LlmJudge> {
  const meter = createSpendMeter({ store, cycleId, limits: {}, prices: new Map() });
  return createLlmJudge({ llm: meter.metered(llm), newNonce: await meter.nonces() });
}
/** A process that dies with the nth call on its lips. */
function dyingAt(call: number): Llm {
  const llm = server();
  let calls = 0;
  return {
    ...llm,
    json: (request) => {
      calls += 1;
      return calls < call ? llm.json(request) : Promise.reject(new Error("killed"));
    },
  };
}

// The controls were drawn by a nonce of the process: after a kill the same run was another question, and its scores were paid for again.
test("a process that goes on after a kill pays for no call of the judge that was answered", async () => {
  const first = await (await judgeOf()).assess(QUESTION);
  expect(model.requests()).toBe(2);
  const again = await (await judgeOf()).assess(QUESTION);
  expect([again, model.requests()]).toEqual([first, 2]);
});

test("killed between its two calls, the next one makes the second alone", async () => {
  await expect((await judgeOf(dyingAt(2))).assess(QUESTION)).rejects.toThrow();
  expect(model.requests()).toBe(1);
  const { score } = await (await judgeOf(server(), "c2")).assess(QUESTION);
  expect([score, model.requests()]).toEqual([1, 2]);
});

test("comparisons are two calls, each paid for once", async () => {
  const answers = { task: QUESTION.task, first: "It is 42.", second: "It is 41." };
  await expect((await judgeOf(dyingAt(2))).compare(answers)).rejects.toThrow();
  expect(await (await judgeOf()).compare(answers)).toMatchObject({ better: "first", agreed: true });
  expect(model.requests()).toBe(2);
});

test("nonces differ by question, and stores have secrets of their own", async () => {
  const other = await openTestStore({ nowUs: () => 1_790_000_000_000_000 });
  try {
    const [here, there] = await Promise.all(
      [store, other].map((opened) => createSpendMeter({ store: opened, cycleId: "c1", limits: {}, prices: new Map() }).nonces()),
    );
    expect(new Set([here?.("a"), here?.("b"), there?.("a")]).size).toBe(3);
    expect(here?.("a")).toMatch(/^[0-9a-f]{24}$/);
  } finally {
    await other.close();
  }
});
