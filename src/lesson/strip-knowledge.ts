import type { AttributeValue } from "../span/raw-span.ts";
import type { JudgedTrace } from "./ports.ts";

/**
 * Removes the blocks that injection writes, so that the loop does not learn its own rules back. A block whose end was cut off by an attribute limit goes
 * to the end of the text: reading a rule as if the agent had found it is worse than losing a tail. Linear in the text.
 */
export function stripKnowledge(text: string): string {
  let rest = text;
  for (const name of BLOCKS) rest = withoutBlock(rest, `=== ${name}`, `=== END ${name} ===`);
  return rest;
}

/** The same trace without our own words, in every text that analyzers read. */
export function stripTrace({ trace, outcome, kept }: JudgedTrace): JudgedTrace {
  const steps = trace.steps.map((step) => ({
    ...step,
    input: stripKnowledge(step.input),
    output: stripKnowledge(step.output),
    ...(step.arguments === undefined ? {} : { arguments: stripValue(step.arguments) }),
    ...(step.error === undefined ? {} : { error: { ...step.error, message: stripKnowledge(step.error.message) } }),
  }));
  return {
    trace: { ...trace, task: stripKnowledge(trace.task), output: stripKnowledge(trace.output), steps },
    ...(kept === undefined ? {} : { kept }),
    ...(outcome === undefined ? {} : { outcome: { ...outcome, reasoning: stripKnowledge(outcome.reasoning) } }),
  };
}

const BLOCKS = ["CORE RULES", "RELEVANT KNOWLEDGE", "KNOWLEDGE INDEX", "TRIAL KNOWLEDGE"];

function withoutBlock(text: string, start: string, end: string): string {
  let kept = "";
  let at = 0;
  for (let from = text.indexOf(start); from !== -1; from = text.indexOf(start, at)) {
    kept += text.slice(at, from);
    const to = text.indexOf(end, from);
    if (to === -1) return kept.trimEnd();
    at = to + end.length;
  }
  return at === 0 ? text : (kept + text.slice(at)).trim();
}

function stripValue(value: AttributeValue): AttributeValue {
  if (typeof value === "string") return stripKnowledge(value);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(stripValue);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, stripValue(inner)]));
}
