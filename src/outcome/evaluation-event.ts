import type { TimeUs } from "../base/clock.ts";
import { EVALUATION_REVIEW, EVALUATION_SOURCE } from "../telemetry/attributes.ts";
import type { Trace } from "../trace/trace.ts";
import type { Outcome } from "./outcome.ts";

/** A run with what was said of it. */
export interface EvaluatedRun {
  readonly trace: Pick<Trace, "traceId" | "rootSpanId">;
  readonly outcomes: readonly Outcome[];
}

// Backends cut attributes at a few thousand characters, or drop the record.
const MAX_EXPLANATION_CHARS = 2_000;
const INFO = 9;

/**
 * Our own judgements as an OTLP/JSON logs request: one `gen_ai.evaluation.result` per outcome, in the trace context of the run's root span, so that other tools
 * show it beside the run. What people and other tools said is theirs to tell and is left out. Undefined when nothing is left.
 */
export function evaluationRequest(runs: readonly EvaluatedRun[], nowUs: TimeUs): object | undefined {
  const logRecords = runs.flatMap(({ trace, outcomes }) => outcomes.filter(isOwn).map((outcome) => recordOf(trace, outcome, nowUs)));
  if (logRecords.length === 0) return undefined;
  const resource = { attributes: [text("service.name", "agentlearn")] };
  return { resourceLogs: [{ resource, scopeLogs: [{ scope: { name: "agentlearn" }, logRecords }] }] };
}

function isOwn({ source }: Outcome): boolean {
  return !(source.startsWith("feedback:") || source.startsWith("evaluation:"));
}

function recordOf(trace: EvaluatedRun["trace"], outcome: Outcome, nowUs: TimeUs): object {
  return {
    timeUnixNano: nanoseconds(outcome.createdAtUs),
    observedTimeUnixNano: nanoseconds(nowUs),
    severityNumber: INFO,
    eventName: "gen_ai.evaluation.result",
    traceId: trace.traceId,
    spanId: trace.rootSpanId,
    flags: 1,
    attributes: [
      text("gen_ai.evaluation.name", outcome.source),
      { key: "gen_ai.evaluation.score.value", value: { doubleValue: outcome.score } },
      text("gen_ai.evaluation.score.label", outcome.status),
      text("gen_ai.evaluation.explanation", outcome.reasoning.slice(0, MAX_EXPLANATION_CHARS)),
      text(EVALUATION_SOURCE, outcome.source),
      ...(outcome.review === true ? [{ key: EVALUATION_REVIEW, value: { boolValue: true } }] : []),
    ],
  };
}

function text(key: string, stringValue: string): object {
  return { key, value: { stringValue } };
}

/** As OTLP has them: microseconds are safe integers, nanoseconds are not. */
function nanoseconds(timeUs: TimeUs): string {
  return `${Math.trunc(timeUs)}000`;
}
