/** Failed runs and eval cases of a small world, written straight into a store file. */
import { KINDS } from "./model-server.mjs";
import { builtModule } from "./stored-spans.mjs";

const NOW_US = 1_790_000_000_000_000;

export async function openFile(file, name) {
  const { openStore } = await builtModule("src/store/open.js");
  return openStore({ url: `file:${file}`, name, mode: "own", ingest: "on-demand" });
}

/** `runs` failed runs in an order that the seed decides, and as many eval cases of each kind. */
export async function seedWorld(file, { random, runs, casesOfKind = 0, kinds = KINDS }) {
  const store = await openFile(file, "seed");
  try {
    await addRuns(store, { random, runs, kinds });
    const cases = kinds.flatMap((kind) => Array.from({ length: casesOfKind }, (_, index) => evalCase(kind, index)));
    if (cases.length > 0) await store.saveEvalCases(cases);
  } finally {
    await store.close();
  }
}

export async function addRuns(store, { random, runs, kinds = KINDS, from = 0 }) {
  const kind = () => kinds[Math.floor(random() * kinds.length)];
  await store.saveManyAssembled(Array.from({ length: runs }, (_, index) => failedRun(from + index, kind(), random)));
}

function failedRun(index, kind, random) {
  const traceId = Array.from({ length: 32 }, () => Math.floor(random() * 16).toString(16)).join("");
  const id = `${traceId}-${String(index + 1).padStart(16, "0")}`;
  const startTimeUs = NOW_US + index * 1_000_000;
  const trace = {
    id,
    traceId,
    rootSpanId: id.slice(33),
    task: `report the ${kind} number ${index} of the list`,
    output: `${index}`,
    startTimeUs,
    endTimeUs: startTimeUs + 1_000,
    completeness: "flush",
    orphan: false,
    spanCount: 1,
    evaluations: [],
    steps: [{ seq: 0, kind: "llm", name: "chat", startTimeUs, endTimeUs: startTimeUs + 5, input: "", output: `${index}`, inferred: false }],
  };
  const outcome = {
    traceId: id,
    source: "deterministic",
    status: "failure",
    score: 0,
    reasoning: "no unit",
    evidence: [],
    createdAtUs: NOW_US,
  };
  return { traceId, traces: [trace], outcomes: [outcome], seenArrivalUs: 0 };
}

function evalCase(kind, index) {
  const task = `tell the ${kind} total of ledger ${index}`;
  return { id: `case-${kind}-${index}`, task, expected: `${task} in units`, tags: [], mustPass: false, createdAtUs: NOW_US + index };
}

/** What a store knows, without ids and times that are drawn. */
export async function knowledgeIn(file) {
  const store = await openFile(file, "look");
  try {
    const items = await store.listKnowledge({ limit: 1_000 });
    const said = items.map(({ content, status, sourceTraceIds, validation }) => ({
      content,
      status,
      sources: [...sourceTraceIds].sort(),
      decision: validation?.decision,
      pairs: validation?.pairs?.length,
    }));
    said.sort((a, b) => a.content.localeCompare(b.content));
    const certificates = await store.validations();
    // What the analyzer left for later is offered to it again.
    const waiting = [...(await store.unanalyzed(1_000, "full")), ...(await store.keptFor("llm", 1_000))];
    const unread = new Set(waiting.map(({ trace }) => trace.id)).size;
    const today = await store.spending("today");
    return { knowledge: JSON.stringify({ said, unread, certificates: certificates.length }), items, unread, today };
  } finally {
    await store.close();
  }
}
