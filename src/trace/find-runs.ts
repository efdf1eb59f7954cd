import type { Span } from "../span/span.ts";
import type { SpanTree } from "./span-tree.ts";

/** One agent run before it is read: its root and every span that belongs to it, in time order. */
export interface Run {
  readonly root: Span;
  readonly spans: readonly Span[];
}

/**
 * Splits a forest into agent runs.
 *
 * - A topmost agent span is a run; agents below it are steps of it, siblings are runs of their own.
 * - A tree without any agent is one run of its local root, when it holds an LLM or tool span.
 * - Trees without agent that have the very same missing parent are one run, as they were with that parent: processors copy no plain span, so the
 *   HTTP span around raw model calls is never there.
 * - LLM and tool spans beside the agents of a tree form one run per branch, so that nothing vanishes.
 * - A tree without agent whose parent was never received, and that lies in time inside exactly one agent run, joins that run:
 *   emitters that only export GenAI spans drop the plain spans in between. Not when the agent has the very same missing parent (then they are siblings).
 */
export function findRuns(tree: SpanTree): readonly Run[] {
  const agents = topmostAgents(tree);
  const taken = new Set<Span>();
  const agentRuns = agents.map((root) => ({ root, spans: [...tree.subtreeOf(root)] }));
  for (const run of agentRuns) for (const span of run.spans) taken.add(span);

  const otherRuns: Run[] = [];
  const siblings = new Map<string, Span[]>();
  for (const top of tree.spans) {
    if (tree.parentOf(top) !== undefined) continue;
    const rest = tree.subtreeOf(top);
    if (rest.some((span) => taken.has(span))) {
      otherRuns.push(...strayRuns(tree, rest, taken));
    } else if (top.parentSpanId === undefined) {
      if (rest.some(isWork)) otherRuns.push({ root: top, spans: rest });
    } else {
      const home = rest.some(isWork) ? enclosing(top, rest, agentRuns) : undefined;
      if (home !== undefined) for (const span of rest) home.spans.push(span);
      else if (siblings.get(top.parentSpanId)?.push(top) === undefined) siblings.set(top.parentSpanId, [top]);
    }
  }
  for (const tops of siblings.values()) {
    const [root] = tops;
    const rest = tops.flatMap((top) => tree.subtreeOf(top));
    if (root !== undefined && rest.some(isWork)) otherRuns.push({ root, spans: rest });
  }
  const order = new Map(tree.spans.map((span, index) => [span, index]));
  const at = (span: Span): number => order.get(span) ?? 0;
  return [...agentRuns, ...otherRuns]
    .map((run) => ({ root: run.root, spans: run.spans.toSorted((a, b) => at(a) - at(b)) }))
    .sort((a, b) => at(a.root) - at(b.root));
}

/** From the top down, and nowhere below an agent: to ask each agent for all above it took 10,000 in a chain 50 million steps. */
function topmostAgents(tree: SpanTree): readonly Span[] {
  const found: Span[] = [];
  const open = tree.spans.filter((span) => tree.parentOf(span) === undefined);
  for (let span = open.pop(); span !== undefined; span = open.pop()) {
    if (isAgent(span)) found.push(span);
    else for (const child of tree.childrenOf(span)) open.push(child);
  }
  return found;
}

function isAgent(span: Span): boolean {
  return span.genAi && span.role === "agent";
}

function isWork(span: Span): boolean {
  return span.genAi && (span.role === "llm" || span.role === "tool");
}

/** Branches with LLM or tool work that hang beside the agents of a tree; a branch starts below the last span that also leads to an agent. */
function strayRuns(tree: SpanTree, spans: readonly Span[], taken: ReadonlySet<Span>): readonly Run[] {
  const leadsToAgent = new Set<Span>();
  for (const span of spans) {
    if (!taken.has(span)) continue;
    for (let above = tree.parentOf(span); above !== undefined && !leadsToAgent.has(above); above = tree.parentOf(above))
      leadsToAgent.add(above);
  }
  const runs: Run[] = [];
  for (const span of spans) {
    if (taken.has(span) || leadsToAgent.has(span)) continue;
    const parent = tree.parentOf(span);
    if (parent === undefined || !leadsToAgent.has(parent)) continue;
    const branch = tree.subtreeOf(span);
    if (branch.some(isWork)) runs.push({ root: span, spans: branch });
  }
  return runs;
}

function enclosing(top: Span, spans: readonly Span[], runs: readonly { root: Span; spans: Span[] }[]): { spans: Span[] } | undefined {
  const end = Math.max(...spans.map((span) => span.endTimeUs));
  let found: { spans: Span[] } | undefined;
  for (const run of runs) {
    const { root } = run;
    if (root.parentSpanId === top.parentSpanId || root.startTimeUs > top.startTimeUs || root.endTimeUs < end) continue;
    if (found !== undefined) return undefined;
    found = run;
  }
  return found;
}
