import type { Message, Span } from "../span/span.ts";
import { llmCalls } from "./llm-calls.ts";
import { lastUserText, renderMessage, textOf, textPartsOf } from "./message-text.ts";
import type { SpanTree } from "./span-tree.ts";
import { toolSteps } from "./tool-steps.ts";
import type { Step } from "./trace.ts";

export interface RunSteps {
  readonly steps: readonly Step[];
  /** The LLM requests behind the steps, each once, in time order. */
  readonly llms: readonly Span[];
}

/** The steps of one run in time order; wrappers and plain spans are folded away. A step whose times tie follows its cause. */
export function stepsOf(root: Span, spans: readonly Span[], tree: SpanTree): RunSteps {
  const llms = llmCalls(spans, tree);
  const tools = toolSteps(spans, llms, tree);
  const seen = new Map<string, Set<string>>();
  const told = llms.flatMap((llm) => {
    const inferred = tools.inferred.get(llm) ?? [];
    const before = inferred.filter((step) => step.startTimeUs === llm.startTimeUs && step.startTimeUs !== llm.endTimeUs);
    return [...(tools.readAt.get(llm) ?? []), ...before, llmStep(llm, seen), ...inferred.filter((step) => !before.includes(step))];
  });
  const plain = embeddingsOnce(spans, tree).flatMap((span) => (span === root && span.role === "agent" ? [] : plainStep(span)));
  const ordered = [
    ...plain.filter((step) => step.kind === "agent"),
    ...told,
    ...tools.spanned,
    ...plain.filter((step) => step.kind !== "agent"),
  ];
  // Stable: where times tie, agents come before what they do and an inferred tool stays between the calls that asked and that read.
  ordered.sort((a, b) => a.startTimeUs - b.startTimeUs);
  return { steps: ordered.map((step, seq) => ({ ...step, seq })), llms };
}

function llmStep(llm: Span, seen: Map<string, Set<string>>): Step {
  // Field by field, here as in assemble.ts: a run is mostly model calls, and pieces spread together were a third of what assembling it costs.
  const step: { -readonly [Key in keyof Step]: Step[Key] } = {
    seq: 0,
    kind: "llm",
    name: llm.model ?? llm.name,
    spanId: llm.spanId,
    startTimeUs: llm.startTimeUs,
    endTimeUs: llm.endTimeUs,
    input: newestInput(llm.inputMessages, seen) || (llm.input ?? ""),
    output: llm.outputMessages === undefined ? (llm.output ?? "") : llm.outputMessages.map(renderMessage).join("\n"),
    inferred: false,
  };
  if (llm.error !== undefined) step.error = llm.error;
  if (llm.model !== undefined) step.model = llm.model;
  if (llm.usage !== undefined) step.usage = llm.usage;
  if (llm.finishReasons !== undefined) step.finishReasons = llm.finishReasons;
  if (llm.timeToFirstTokenMs !== undefined) step.timeToFirstTokenMs = llm.timeToFirstTokenMs;
  if (llm.costUsd !== undefined) step.costUsd = llm.costUsd;
  return step;
}

/** The last message that no earlier call carried, so that histories do not repeat in every step. `seen`: texts by the role that said them. */
function newestInput(messages: readonly Message[] | undefined, seen: Map<string, Set<string>>): string {
  let newest = "";
  for (const message of messages ?? []) {
    const text = renderMessage(message);
    const known = seen.get(message.role);
    if (known?.has(text) || text === "") continue;
    if (known === undefined) seen.set(message.role, new Set([text]));
    else known.add(text);
    if (message.role !== "assistant" && message.role !== "system") newest = text;
  }
  return newest || renderMessage(messages?.at(-1) ?? { role: "user", parts: [] });
}

/** A framework's embedding span around the client library's is one request; what only the outer one says is kept. */
function embeddingsOnce(spans: readonly Span[], tree: SpanTree): readonly Span[] {
  const outer = new Map<Span, Span>();
  for (const span of spans) {
    const around = span.role === "embedding" ? tree.ancestorsOf(span).find((above) => above.role !== "wrapper") : undefined;
    if (around?.role === "embedding") outer.set(span, around);
  }
  const folded = new Set(outer.values());
  return spans.flatMap((span) => (folded.has(span) ? [] : outer.has(span) ? [{ ...outer.get(span), ...span }] : [span]));
}

function plainStep(span: Span): readonly Step[] {
  if (!span.genAi || (span.role !== "retrieval" && span.role !== "embedding" && span.role !== "agent")) return [];
  return [
    {
      seq: 0,
      kind: span.role,
      name: span.role === "agent" ? (span.agentName ?? span.name) : span.name,
      spanId: span.spanId,
      startTimeUs: span.startTimeUs,
      endTimeUs: span.endTimeUs,
      input: lastUserText(span.inputMessages) || (span.input ?? textOf(span.tool?.arguments)),
      output: answerText(span.outputMessages) || (span.output ?? textOf(span.tool?.result)),
      ...(span.error === undefined ? {} : { error: span.error }),
      inferred: false,
      ...(span.model === undefined ? {} : { model: span.model }),
      // An agent reports the sum of its LLM calls; those are steps themselves.
      ...(span.usage === undefined || span.role === "agent" ? {} : { usage: span.usage }),
      ...(span.costUsd === undefined || span.role === "agent" ? {} : { costUsd: span.costUsd }),
      ...(span.retrieval === undefined || span.role !== "retrieval" ? {} : { retrieval: span.retrieval }),
    },
  ];
}

/** The text of the last message that has any: an agent span may carry its whole transcript, calls and all. */
export function answerText(messages: readonly Message[] | undefined): string {
  const last = messages?.findLast((message) => message.role !== "user" && message.role !== "tool" && textPartsOf(message) !== "");
  return last === undefined ? "" : textPartsOf(last);
}
