import { redacted } from "../base/redact.ts";
import type { AttributeValue } from "../span/raw-span.ts";
import type { JudgedTrace } from "./ports.ts";

/**
 * The same run without secrets and personal data, for analyzers that hand text on. Done before they cut anything: half a key has no form by which the
 * door to the model would know it.
 */
export function redactRun({ trace, outcome }: JudgedTrace): JudgedTrace {
  const steps = trace.steps.map((step) => ({
    ...step,
    name: redacted(step.name),
    input: redacted(step.input),
    output: redacted(step.output),
    ...(step.arguments === undefined ? {} : { arguments: redactValue(step.arguments) }),
    ...(step.error === undefined ? {} : { error: { ...step.error, message: redacted(step.error.message) } }),
  }));
  return {
    trace: {
      ...trace,
      task: redacted(trace.task),
      output: redacted(trace.output),
      ...(trace.error === undefined ? {} : { error: { ...trace.error, message: redacted(trace.error.message) } }),
      steps,
    },
    ...(outcome === undefined ? {} : { outcome: { ...outcome, reasoning: redacted(outcome.reasoning) } }),
  };
}

function redactValue(value: AttributeValue): AttributeValue {
  if (typeof value === "string") return redacted(value);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(redactValue);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, redactValue(inner)]));
}
