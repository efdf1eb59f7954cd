import type { AttributeValue } from "../../span/raw-span.ts";
import type { Step, Trace } from "../../trace/trace.ts";
import { argumentChanges } from "./argument-change.ts";
import { type Change, isChange } from "./change.ts";

/** A failed call, the call of the same tool that worked later, and what the repair was. */
export interface Recovery {
  readonly tool: string;
  readonly error: string;
  /** Empty when no single rule explains the repair; `reason` then says why. */
  readonly changes: readonly Change[];
  readonly reason?: string;
  /** The failed and the working call, so that one exchange seen in two traces counts once. */
  readonly evidence: string;
}

/**
 * Every failed tool call of a run with the next successful call of the same tool that came in reaction to it.
 * In a chain of failures each one is compared with the next attempt: a change counts for it when the error then became another one and the change is
 * still there in the call that worked. Comparing all of them with the last call only would blame every error for every change.
 */
export function findRecoveries(trace: Trace): readonly Recovery[] {
  const tools = trace.steps.filter((step) => step.kind === "tool");
  return tools.flatMap((failed, index) => {
    if (failed.error === undefined) return [];
    const later = tools.slice(index + 1).filter((step) => step.name === failed.name && isReaction(step, failed, trace));
    const worked = later.find((step) => step.error === undefined);
    const next = later[0];
    if (worked === undefined || next === undefined) return [];
    return [recoveryOf(failed, next, worked)];
  });
}

/** A call that was asked for together with the failing one is no answer to it. Clocks of spans are too coarse to tell alone, so an LLM call in between counts too. */
function isReaction(later: Step, failed: Step, trace: Trace): boolean {
  return later.startTimeUs >= failed.endTimeUs || trace.steps.slice(failed.seq + 1, later.seq).some((step) => step.kind === "llm");
}

function recoveryOf(failed: Step, next: Step, worked: Step): Recovery {
  const error = failed.error?.message ?? "";
  const evidence = JSON.stringify([failed.callId ?? failed.spanId ?? failed.input, worked.callId ?? worked.spanId ?? worked.input]);
  const base = { tool: failed.name, error, evidence };
  const before = argumentsOf(failed);
  if (sameValue(before, argumentsOf(worked)))
    return { ...base, changes: [], reason: "the same call worked later: a passing fault, nothing to learn" };
  if (next !== worked && errorShape(next.error?.message ?? "") === errorShape(error)) {
    return { ...base, changes: [], reason: "the next attempt failed in the same way; the later one is compared instead" };
  }
  const findings = argumentChanges(failed.name, before, argumentsOf(next), error);
  const final = next === worked ? findings : argumentChanges(failed.name, before, argumentsOf(worked), error);
  const lasting = new Set(final.filter(isChange).map((change) => JSON.stringify(change.key)));
  const changes = distinct(findings.filter(isChange).filter((change) => lasting.has(JSON.stringify(change.key))));
  if (changes.length > 0) return { ...base, changes };
  const reason = findings.find((finding) => !isChange(finding)) as { readonly reason: string } | undefined;
  return { ...base, changes: [], reason: reason?.reason ?? "the change was taken back before the call worked" };
}

function distinct(changes: readonly Change[]): readonly Change[] {
  return [...new Map(changes.toReversed().map((change) => [JSON.stringify(change.key), change])).values()].reverse();
}

function argumentsOf(step: Step): AttributeValue {
  return step.arguments ?? step.input;
}

function sameValue(a: AttributeValue, b: AttributeValue): boolean {
  return canonical(a) === canonical(b);
}

/** JSON with sorted keys: emitters write the same arguments in any order. */
function canonical(value: AttributeValue): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** An error without the values it quotes, so that the same fault over another value is the same error. */
function errorShape(message: string): string {
  return message
    .toLowerCase()
    .replace(/\d+/g, "9")
    .replace(/'[^']*'|"[^"]*"/g, "?")
    .trim();
}
