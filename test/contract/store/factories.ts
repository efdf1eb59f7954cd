import { randomBytes } from "node:crypto";
import type { HistoryEntry, KnowledgeItem, Validation } from "../../../src/knowledge/knowledge-item.ts";
import type { Lesson } from "../../../src/lesson/lesson.ts";
import type { Outcome } from "../../../src/outcome/outcome.ts";
import type { RawLog, RawSpan } from "../../../src/span/raw-span.ts";
import type { RawBody } from "../../../src/store/ports.ts";
import type { Step, Trace } from "../../../src/trace/trace.ts";

export const T0 = 1_800_000_000_000_000;

export const hex = (characters: number): string => randomBytes(characters / 2).toString("hex");

export function aBody(changes: Partial<RawBody> = {}): RawBody {
  return {
    format: "otlp-protobuf",
    signal: "traces",
    encoding: "identity",
    body: new Uint8Array([1, 2, 0, 255]),
    receivedAtUs: T0,
    traceIds: [hex(32)],
    ...changes,
  };
}

export function aSpan(changes: Partial<RawSpan> = {}): RawSpan {
  return {
    traceId: hex(32),
    spanId: hex(16),
    name: "chat",
    kind: 3,
    startTimeUs: T0,
    endTimeUs: T0 + 1000,
    attributes: { "gen_ai.operation.name": "chat" },
    events: [],
    links: [],
    status: { code: 0 },
    resource: { "service.name": "agent" },
    scope: { name: "test" },
    ...changes,
  };
}

export function aLog(changes: Partial<RawLog> = {}): RawLog {
  return { traceId: hex(32), spanId: hex(16), timeUs: T0, body: "said", attributes: {}, resource: {}, scope: { name: "test" }, ...changes };
}

export function aStep(changes: Partial<Step> = {}): Step {
  return {
    seq: 0,
    kind: "tool",
    name: "search",
    startTimeUs: T0,
    endTimeUs: T0 + 10,
    input: "in",
    output: "out",
    inferred: false,
    ...changes,
  };
}

export function aTrace(changes: Partial<Trace> = {}): Trace {
  const traceId = changes.traceId ?? hex(32);
  const rootSpanId = changes.rootSpanId ?? hex(16);
  return {
    id: `${traceId}-${rootSpanId}`,
    traceId,
    rootSpanId,
    task: "find the invoice",
    output: "here it is",
    startTimeUs: T0,
    endTimeUs: T0 + 2_500_000,
    completeness: "root-ended",
    orphan: false,
    spanCount: 1,
    steps: [],
    evaluations: [],
    ...changes,
  };
}

export function anOutcome(traceId: string, changes: Partial<Outcome> = {}): Outcome {
  return { traceId, source: "deterministic", status: "success", score: 1, reasoning: "fine", evidence: [], createdAtUs: T0, ...changes };
}

export function aLesson(changes: Partial<Lesson> = {}): Lesson {
  return {
    id: crypto.randomUUID(),
    type: "skill",
    content: "Round money to cents.",
    appliesWhen: "computing interest",
    tags: ["money"],
    sourceTraceIds: [hex(32)],
    analyzer: "recovery",
    confidence: 0.5,
    reasoning: "seen twice",
    taint: ["tool"],
    fingerprint: hex(32),
    createdAtUs: T0,
    ...changes,
  };
}

/** The next version of an item with its history line. */
export function changed(
  item: KnowledgeItem,
  changes: Partial<KnowledgeItem>,
  action: HistoryEntry["action"] = "edit",
): [KnowledgeItem, HistoryEntry] {
  const next = { ...item, ...changes, version: item.version + 1 };
  return [next, { itemId: item.id, version: next.version, atUs: T0, actor: "cli:test", action, changes: {} }];
}

export function aValidation(itemId: string, changes: Partial<Validation> = {}): Validation {
  return {
    id: crypto.randomUUID(),
    itemId,
    kind: "statistical",
    decision: "pass",
    reason: "better in 9 of 10",
    actor: "learner",
    createdAtUs: T0,
    cases: 10,
    baselinePassed: 1,
    candidatePassed: 9,
    wins: 8,
    losses: 0,
    gain: 0.8,
    eValue: 30,
    threshold: 20,
    alpha: 0.05,
    alphaAllotted: 0.05,
    position: 1,
    passedBefore: 0,
    passScore: 0.7,
    minimumGain: 0,
    pairs: [],
    ...changes,
  };
}
