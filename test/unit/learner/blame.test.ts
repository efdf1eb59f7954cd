import { afterEach, beforeEach, expect, test } from "vitest";
import { blame } from "../../../src/learner/blame.ts";
import { createKnowledgeDesk } from "../../../src/learner/knowledge-desk.ts";
import type { SpanExposure } from "../../../src/span/span.ts";
import type { Store } from "../../../src/store/ports.ts";
import { aLesson } from "../lesson-factory.ts";
import { aTrace } from "../trace-factory.ts";
import { openTestStore } from "./open-test-store.ts";

let nowUs = 1_800_000_000_000_000;
const clock = { nowUs: () => (nowUs += 1_000) };
let store: Store;
beforeEach(async () => {
  store = await openTestStore(clock);
});
afterEach(() => store.close());

const ITEM = "11111111-0000-4000-8000-000000000000";
const TRIED = "22222222-0000-4000-8000-000000000000";

async function suspectsOf(exposure: Partial<SpanExposure>, replay = false): Promise<readonly (readonly [string, number | undefined])[]> {
  const desk = createKnowledgeDesk({ store, clock, actor: "cli:ada" });
  for (const [id, content] of [
    [ITEM, "Give weights in kilograms."],
    [TRIED, "Give weights in pounds."],
  ] as const)
    await store.propose(aLesson({ id, content, fingerprint: id, taint: [] }), "learner");
  await desk.approve(ITEM, { reason: "read it" });
  const trace = aTrace({ task: "weigh the parcel", exposure: { given: [ITEM], withheld: [], withholdProbability: 0.1, ...exposure } });
  const outcome = {
    traceId: trace.id,
    source: "deterministic",
    status: "failure",
    score: 0,
    reasoning: "",
    evidence: [],
    createdAtUs: 1,
  } as const;
  await store.saveManyAssembled([{ traceId: trace.traceId, traces: [trace], outcomes: [outcome], seenArrivalUs: 0 }]);
  const runner = (_task: string, knowledge: string): string => (knowledge.includes("pounds") ? "5 lb" : "2 kg");
  const again = { runner, score: (output: string) => Number(output === "2 kg"), passScore: 0.7, concurrency: 2, replicates: 8 };
  const { suspects } = await blame(trace.id, { store, alpha: 0.05, ...(replay ? { replay: again } : {}) });
  return suspects.map((suspect) => [suspect.itemId, suspect.replay?.passedWithout]);
}

// It was in the prompt like the others, and nobody had tested it: blame passed it over.
test("an untested item that a canary run was given is among the suspects, and a replay leaves it out in its turn", async () => {
  expect(await suspectsOf({ canary: { ids: [TRIED], member: true, share: 0.1 } }, true)).toEqual([
    [TRIED, 1],
    [ITEM, 0],
  ]);
});

test("one that the run was drawn for and not given is not", async () => {
  expect(await suspectsOf({ canary: { ids: [TRIED], member: false, share: 0.1 } })).toEqual([[ITEM, undefined]]);
});

test("what was withheld from a run is not blamed for it", async () => {
  expect(await suspectsOf({ withheld: [TRIED] })).toEqual([[ITEM, undefined]]);
});
