import type { Span, Usage } from "../span/span.ts";
import { sumUsage } from "./llm-calls.ts";
import type { SpanTree } from "./span-tree.ts";

/** Tokens of a run: see `total`. */
export function usageOf(root: Span, llms: readonly Span[], spans: readonly Span[], tree: SpanTree): Usage | undefined {
  return total(root, llms, spans, tree, (span) => span.usage, sumUsage);
}

/** What a run cost, in US dollars, where emitters said it: see `total`. */
export function costOf(root: Span, llms: readonly Span[], spans: readonly Span[], tree: SpanTree): number | undefined {
  return total(root, llms, spans, tree, (span) => span.costUsd, sumNumbers);
}

/** Leaf LLM calls only; an agent's own total only where no call below it reported any, since it is the sum of them. */
function total<T>(
  root: Span,
  llms: readonly Span[],
  spans: readonly Span[],
  tree: SpanTree,
  said: (span: Span) => T | undefined,
  sum: (values: readonly (T | undefined)[]) => T | undefined,
): T | undefined {
  // Most emitters say no cost at all, and walking the tree to find that out took a third of assembling a run.
  const speaks = (span: Span): boolean => said(span) !== undefined;
  if (!llms.some(speaks) && !spans.some((span) => span.role === "agent" && speaks(span))) return undefined;
  const reported = new Map(llms.map((llm) => [llm.spanId, said(llm)] as const));
  // Parents first, then walked backwards: a loop, because a hostile chain of spans is deeper than the stack.
  const parentsFirst = [root];
  for (let index = 0; index < parentsFirst.length; index++) parentsFirst.push(...tree.childrenOf(parentsFirst[index] ?? root));
  const totals = new Map<Span, T | undefined>();
  for (const span of parentsFirst.reverse()) {
    const below = sum([reported.get(span.spanId), ...tree.childrenOf(span).map((child) => totals.get(child))]);
    totals.set(span, below ?? (span.role === "agent" ? said(span) : undefined));
  }
  const inTree = new Set(parentsFirst.map((span) => span.spanId));
  return sum([totals.get(root), ...llms.filter((llm) => !inTree.has(llm.spanId)).map(said)]);
}

function sumNumbers(values: readonly (number | undefined)[]): number | undefined {
  const numbers = values.filter((value) => value !== undefined);
  return numbers.length === 0 ? undefined : numbers.reduce((sum, value) => sum + value, 0);
}
