import type { Span, Usage } from "../span/span.ts";
import type { SpanTree } from "./span-tree.ts";

/**
 * The LLM requests of a run, each once, in time order. A framework's chat span around the client library's chat span is one request:
 * a wrapper around exactly one inner call is merged with it, a wrapper around several gives way to them, and equal response ids are one request.
 * The innermost span that reports usage speaks; what only the others say is kept.
 */
export function llmCalls(spans: readonly Span[], tree: SpanTree): readonly Span[] {
  const llms = spans.filter((span) => span.role === "llm");
  const inner = new Map<Span, Span[]>();
  const nested = new Set<Span>();
  for (const span of llms) {
    const outer = outerLlm(span, tree);
    if (outer === undefined) continue;
    nested.add(span);
    inner.set(outer, [...(inner.get(outer) ?? []), span]);
  }
  const calls: Span[] = [];
  const open = llms.filter((span) => !nested.has(span)).map((span) => [span]);
  for (let chain = open.pop(); chain !== undefined; chain = open.pop()) {
    const innermost = chain.at(-1);
    const below = innermost === undefined ? [] : (inner.get(innermost) ?? []);
    const [only] = below;
    if (only === undefined) {
      calls.push(united(chain.toReversed()));
    } else if (below.length === 1) {
      chain.push(only);
      open.push(chain);
    } else {
      open.push(...below.map((child) => [child]));
    }
  }
  return byResponse(calls).toSorted((a, b) => a.startTimeUs - b.startTimeUs || (a.spanId < b.spanId ? -1 : 1));
}

/** The LLM span around this one, seen through wrappers and plain spans only: an LLM below a tool or agent is work of its own. */
function outerLlm(span: Span, tree: SpanTree): Span | undefined {
  for (let above = tree.parentOf(span); above !== undefined; above = tree.parentOf(above)) {
    if (above.role === "llm") return above;
    if (above.role === "tool" || above.role === "agent" || above.role === "retrieval") return undefined;
  }
  return undefined;
}

function byResponse(calls: readonly Span[]): readonly Span[] {
  const groups = new Map<string, Span[]>();
  for (const [index, call] of calls.entries()) {
    const key = call.responseId === undefined || call.responseId === "" ? `#${index}` : `id ${call.responseId}`;
    groups.set(key, [call, ...(groups.get(key) ?? [])]);
  }
  return [...groups.values()].map(united);
}

/** Innermost first in, one span out. */
function united(innermostFirst: readonly Span[]): Span {
  const [only] = innermostFirst;
  if (only !== undefined && innermostFirst.length === 1) return only;
  const speaker = innermostFirst.find((span) => span.usage !== undefined) ?? innermostFirst[0];
  const weakestFirst = [...innermostFirst.filter((span) => span !== speaker).reverse(), ...(speaker === undefined ? [] : [speaker])];
  return Object.assign({}, ...weakestFirst) as Span;
}

/** Field by field; a field that nobody reported stays absent, since missing is not zero. */
export function sumUsage(usages: readonly (Usage | undefined)[]): Usage | undefined {
  const total: { -readonly [K in keyof Usage]: Usage[K] } = {};
  for (const usage of usages) {
    for (const field of USAGE_FIELDS) {
      const tokens = usage?.[field];
      if (tokens !== undefined) total[field] = (total[field] ?? 0) + tokens;
    }
  }
  return Object.keys(total).length === 0 ? undefined : total;
}

const USAGE_FIELDS = ["inputTokens", "outputTokens", "cacheReadTokens", "cacheWriteTokens", "reasoningTokens"] as const;
