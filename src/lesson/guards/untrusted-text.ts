import type { Trace } from "../../trace/trace.ts";
import type { Taint } from "../lesson.ts";

/** A text that somebody outside the agent's own code could write. */
export interface UntrustedText {
  readonly traceId: string;
  /** `<kind> <n>` of the step it stands in; absent for the run itself. */
  readonly step?: number;
  readonly spanId?: string;
  readonly field: "task" | "run error" | "agent name" | "tool result" | "tool error" | "retrieved text" | "step name" | "message";
  readonly taint: Extract<Taint, "user" | "tool">;
  readonly text: string;
}

/** One field may be megabytes; what a rule could have been read from is at its start, where the analyzers look, or at its end. */
const MAX_FIELD_CHARS = 20_000;

/** All of a run that came from users, tools and names given by others. The agent's own answers and arguments are not among it. */
export function untrustedTexts(trace: Trace): readonly UntrustedText[] {
  const found: UntrustedText[] = [];
  const add = (
    field: UntrustedText["field"],
    taint: UntrustedText["taint"],
    text: string | undefined,
    step?: Trace["steps"][number],
  ): void => {
    if (text === undefined || text.trim() === "") return;
    const of = step === undefined ? {} : { step: step.seq, ...(step.spanId === undefined ? {} : { spanId: step.spanId }) };
    const cut = text.length <= 2 * MAX_FIELD_CHARS ? text : `${text.slice(0, MAX_FIELD_CHARS)} ${text.slice(-MAX_FIELD_CHARS)}`;
    found.push({ traceId: trace.id, ...of, field, taint, text: cut });
  };
  add("task", "user", trace.task);
  add("run error", "tool", trace.error?.message);
  add("agent name", "user", trace.agentName);
  for (const step of trace.steps) {
    add("step name", "tool", step.name, step);
    if (step.kind === "tool") add("tool result", "tool", step.output, step);
    if (step.kind === "retrieval") add("retrieved text", "tool", step.output, step);
    // What goes into a model is what users and tools said; where the same text is the task it is known already.
    if (step.kind === "llm" && step.input !== trace.task) add("message", "user", step.input, step);
    if (step.error !== undefined && step.error.message !== step.output) add("tool error", "tool", step.error.message, step);
  }
  return found;
}
