import type { Span } from "../span/span.ts";

/** The spans of one W3C trace as a forest. A parent that was never received is no parent here; a parent cycle is cut at its earliest span. */
export interface SpanTree {
  /** Distinct spans, parents before children where their times tie, else in time order. */
  readonly spans: readonly Span[];
  parentOf(span: Span): Span | undefined;
  childrenOf(span: Span): readonly Span[];
  /** From the parent upwards. */
  ancestorsOf(span: Span): readonly Span[];
  /** The span itself and everything below it, in the order of `spans`. */
  subtreeOf(span: Span): readonly Span[];
}

/** Builds the forest. The result does not depend on the order of `spans`. */
export function createSpanTree(spans: readonly Span[]): SpanTree {
  const distinct = collapse(spans);
  const byId = new Map(distinct.map((span) => [span.spanId, span]));
  const parents = parentsOf(distinct, byId);
  const depths = new Map<Span, number>();
  const depthOf = (span: Span): number => {
    const chain: Span[] = [];
    let at: Span | undefined = span;
    while (at !== undefined && !depths.has(at)) {
      chain.push(at);
      at = parents.get(at);
    }
    let depth = at === undefined ? -1 : (depths.get(at) ?? 0);
    for (const link of chain.reverse()) depths.set(link, ++depth);
    return depths.get(span) ?? 0;
  };
  const ordered = distinct.toSorted((a, b) => a.startTimeUs - b.startTimeUs || depthOf(a) - depthOf(b) || compare(a.spanId, b.spanId));
  const children = new Map<Span, Span[]>();
  for (const span of ordered) {
    const parent = parents.get(span);
    if (parent === undefined) continue;
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [span]);
    else siblings.push(span);
  }
  const rank = new Map(ordered.map((span, index) => [span, index]));
  return {
    spans: ordered,
    parentOf: (span) => parents.get(span),
    childrenOf: (span) => children.get(span) ?? [],
    ancestorsOf: (span) => {
      const above: Span[] = [];
      for (let at = parents.get(span); at !== undefined; at = parents.get(at)) above.push(at);
      return above;
    },
    subtreeOf: (span) => {
      const found: Span[] = [];
      const open = [span];
      for (let next = open.pop(); next !== undefined; next = open.pop()) {
        found.push(next);
        open.push(...(children.get(next) ?? []));
      }
      return found.sort((a, b) => (rank.get(a) ?? 0) - (rank.get(b) ?? 0));
    },
  };
}

/** Exporters retry, so one span comes twice. The later end wins; what only the other copy says is kept. */
function collapse(spans: readonly Span[]): readonly Span[] {
  const copies = new Map<string, Span[]>();
  for (const span of spans) {
    const seen = copies.get(span.spanId);
    if (seen === undefined) copies.set(span.spanId, [span]);
    else seen.push(span);
  }
  return [...copies.values()].map(merged);
}

function merged(copies: readonly Span[]): Span {
  const [first] = copies;
  if (copies.length === 1 && first !== undefined) return first;
  const weakestFirst = copies.toSorted((a, b) => a.endTimeUs - b.endTimeUs || compare(JSON.stringify(a), JSON.stringify(b)));
  return Object.assign({}, ...weakestFirst) as Span;
}

function parentsOf(spans: readonly Span[], byId: ReadonlyMap<string, Span>): Map<Span, Span> {
  const parents = new Map<Span, Span>();
  for (const span of spans) {
    const parent = span.parentSpanId === undefined ? undefined : byId.get(span.parentSpanId);
    if (parent !== undefined) parents.set(span, parent);
  }
  const safe = new Set<Span>();
  for (const span of spans) {
    const path = new Set<Span>();
    let at: Span | undefined = span;
    while (at !== undefined && !safe.has(at) && !path.has(at)) {
      path.add(at);
      at = parents.get(at);
    }
    if (at !== undefined && path.has(at)) parents.delete(earliestOfCycle(at, parents));
    for (const seen of path) safe.add(seen);
  }
  return parents;
}

function earliestOfCycle(start: Span, parents: ReadonlyMap<Span, Span>): Span {
  let earliest = start;
  for (let at = parents.get(start); at !== undefined && at !== start; at = parents.get(at)) {
    if (at.startTimeUs < earliest.startTimeUs || (at.startTimeUs === earliest.startTimeUs && at.spanId < earliest.spanId)) earliest = at;
  }
  return earliest;
}

/** Code-unit order: the same on every machine, unlike localeCompare. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
