import type { Step, Trace } from "../trace/trace.ts";
import type { Outcome } from "./outcome.ts";
import type { CheckAnswer, OutcomeSignal, TraceCheck } from "./ports.ts";
import { isScore, statusOfScore } from "./score.ts";

export interface DeterministicSignalOptions {
  /** Each gives an outcome of its own, `check:<name>`. A check that throws or returns no score abstains. */
  readonly checks?: readonly TraceCheck[];
  /** Told of every check that threw, so that it can be counted. */
  readonly onCheckError?: (name: string, caught: unknown) => void;
}

/**
 * Judges what can be seen without a model. Failure: the root ended in an error; there is no output; a tool error was not followed by a successful call
 * of the same tool; the last LLM call was cut off. Otherwise success, which only says that nothing went visibly wrong.
 * Abstains on a run whose content was not captured, and on a lone LLM call that asks for a tool: it is a part of a run that goes on elsewhere.
 */
export function deterministicSignal(options: DeterministicSignalOptions = {}): OutcomeSignal {
  return {
    name: "deterministic",
    judge: (trace) => [...plainOutcome(trace), ...(options.checks ?? []).flatMap((check) => checkOutcome(check, trace, options))],
  };
}

function plainOutcome(trace: Trace): readonly Outcome[] {
  const toolErrors = trace.steps.filter((step) => step.kind === "tool" && step.error !== undefined);
  const isRecovered = (failed: Step): boolean =>
    trace.steps.some((step) => step.seq > failed.seq && step.kind === "tool" && step.name === failed.name && step.error === undefined);
  const recovered = toolErrors.filter(isRecovered);
  const unrecovered = toolErrors.filter((step) => !isRecovered(step));
  const lastLlm = trace.steps.findLast((step) => step.kind === "llm");
  const cutOff = lastLlm?.finishReasons?.find((reason) => CUT_OFF.has(reason));

  const faults = [
    ...(trace.error === undefined ? [] : [`the run ended in an error: ${quoted(trace.error.message)}`]),
    ...unrecovered.map((step) => `tool ${step.name} failed and was not recovered: ${quoted(step.error?.message)}`),
    ...(cutOff === undefined ? [] : [`the last LLM call finished with ${cutOff}`]),
    ...(trace.output.trim() === "" && answerExpected(trace, lastLlm) ? ["the output is empty"] : []),
  ];
  if (faults.length === 0 && !hasContent(trace)) return [];
  if (faults.length === 0 && trace.output.trim() === "") return [];

  const evidence = [
    trace.error === undefined ? undefined : trace.rootSpanId,
    ...toolErrors.map((step) => step.spanId ?? step.callId),
    lastLlm?.spanId,
  ];
  return [
    {
      traceId: trace.id,
      source: "deterministic",
      status: faults.length === 0 ? "success" : "failure",
      score: faults.length === 0 ? 1 : 0,
      reasoning: faults.length === 0 ? successReasoning(recovered) : faults.join("; "),
      evidence: [
        ...new Set([...evidence.filter((id) => id !== undefined), ...(evidence.every((id) => id === undefined) ? [trace.rootSpanId] : [])]),
      ],
      createdAtUs: trace.endTimeUs,
    },
  ];
}

const CUT_OFF: ReadonlySet<string> = new Set(["content_filter", "length", "error"]);

/** Arguments and results alone do not count: where content is not captured, tool names still are. */
function hasContent(trace: Trace): boolean {
  return trace.task !== "" || trace.output !== "";
}

/** False where "" means "not reported": no content at all, a lone call that asks for a tool, or an emitter that said nothing about the last answer. */
function answerExpected(trace: Trace, lastLlm: Step | undefined): boolean {
  const isHalf = lastLlm?.spanId === trace.rootSpanId && (lastLlm.finishReasons?.includes("tool_call") ?? false);
  // Seen: a streamed call whose instrumentation reports neither text nor tokens nor a finish reason.
  const isMute = lastLlm !== undefined && lastLlm.output === "" && lastLlm.usage === undefined && lastLlm.finishReasons === undefined;
  return hasContent(trace) && !isHalf && !isMute;
}

function successReasoning(recovered: readonly Step[]): string {
  if (recovered.length === 0) return "nothing went visibly wrong";
  const names = recovered.map((step) => `${step.name} (${quoted(step.error?.message)})`).join(", ");
  return `nothing went visibly wrong in the end; recovered from ${recovered.length} tool error${recovered.length === 1 ? "" : "s"}: ${names}`;
}

function checkOutcome(check: TraceCheck, trace: Trace, options: DeterministicSignalOptions): readonly Outcome[] {
  let answer: CheckAnswer;
  try {
    answer = check.check(trace);
  } catch (caught) {
    options.onCheckError?.(check.name, caught);
    return [];
  }
  const { score: result, reason } = typeof answer === "object" ? answer : { score: answer, reason: undefined };
  const score = typeof result === "boolean" ? Number(result) : result;
  if (!isScore(score)) return [];
  return [
    {
      traceId: trace.id,
      source: `check:${check.name}`,
      status: statusOfScore(score),
      score,
      reasoning:
        reason ??
        (typeof result === "boolean" ? `check ${check.name} ${result ? "passed" : "failed"}` : `check ${check.name} scored ${score}`),
      evidence: [trace.rootSpanId],
      createdAtUs: trace.endTimeUs,
    },
  ];
}

/** Short enough to read in a list; the whole error stays in the step. */
function quoted(message: string | undefined): string {
  const text = (message ?? "").replace(/\s+/g, " ").trim();
  return text.length > 120 ? `"${text.slice(0, 119)}…"` : `"${text}"`;
}
