import type { Node } from "./parse.ts";

/** Nodes side by side at one bracket depth, and where that bracket stands. */
export interface Level {
  readonly nodes: readonly Node[];
  readonly text: string;
  readonly outer?: { readonly level: Level; readonly at: number };
}

/** One place where two texts differ; either side may be empty. */
export interface Hunk {
  readonly before: Level;
  readonly after: Level;
  /** [from, to) in `before.nodes` and `after.nodes`. */
  readonly beforeRange: readonly [number, number];
  readonly afterRange: readonly [number, number];
}

/** The differences, left to right. A changed bracket is entered when its name is the same and names inside changed; otherwise it differs as a whole. */
export function diff(before: Level, after: Level): readonly Hunk[] {
  return hunksOf(before, after).flatMap((hunk) => {
    const [old, more] = before.nodes.slice(...hunk.beforeRange);
    const [fresh, extra] = after.nodes.slice(...hunk.afterRange);
    if (old === undefined || fresh === undefined || more !== undefined || extra !== undefined || !canEnter(old, fresh)) return [hunk];
    return diff(
      { nodes: old.children, text: before.text, outer: { level: before, at: hunk.beforeRange[0] } },
      { nodes: fresh.children, text: after.text, outer: { level: after, at: hunk.afterRange[0] } },
    );
  });
}

/** How much of the longer side is unchanged, in [0, 1], counted over all depths. */
export function similarity(before: readonly Node[], after: readonly Node[]): number {
  const a = flat(before);
  const b = flat(after);
  const common = commonLengths(a, b)[0]?.[0] ?? 0;
  return common / Math.max(a.length, b.length, 1);
}

function flat(nodes: readonly Node[]): readonly Node[] {
  return nodes.flatMap((node) =>
    node.children.length === 0 ? [node] : [{ ...node, key: node.key.split(/[([{]/)[0] ?? "", children: [] }, ...flat(node.children)],
  );
}

function canEnter(old: Node, fresh: Node): boolean {
  if (old.kind !== fresh.kind || old.children.length === 0 || fresh.children.length === 0) return false;
  const opening = (node: Node): string => node.key.slice(0, node.key.search(/[([{]/) + 1);
  if (opening(old) !== opening(fresh)) return false;
  // substr(d, 1, 4) -> substr(d, 8, 4) says something only as a whole: a call whose values alone changed is not entered.
  return old.kind === "group" || shapeOf(old) !== shapeOf(fresh);
}

function shapeOf(node: Node): string {
  return flat(node.children)
    .map((child) => (child.kind === "number" || child.kind === "string" ? "?" : child.key))
    .join(" ");
}

function hunksOf(before: Level, after: Level): readonly Hunk[] {
  const a = before.nodes;
  const b = after.nodes;
  const common = commonLengths(a, b);
  const hunks: Hunk[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const [fromI, fromJ] = [i, j];
    while ((i < a.length || j < b.length) && !(i < a.length && j < b.length && a[i]?.key === b[j]?.key)) {
      const skipA = common[i + 1]?.[j] ?? -1;
      const skipB = common[i]?.[j + 1] ?? -1;
      if (i < a.length && (j >= b.length || skipA >= skipB)) i++;
      else j++;
    }
    if (i > fromI || j > fromJ) hunks.push({ before, after, beforeRange: [fromI, i], afterRange: [fromJ, j] });
    while (i < a.length && j < b.length && a[i]?.key === b[j]?.key) {
      i++;
      j++;
    }
  }
  return hunks;
}

/** Length of the longest common subsequence of every pair of tails. Bounded by MAX_TOKENS squared. */
function commonLengths(a: readonly Node[], b: readonly Node[]): readonly Uint16Array[] {
  const table = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    const row = table[i] as Uint16Array;
    const below = table[i + 1] as Uint16Array;
    for (let j = b.length - 1; j >= 0; j--) {
      row[j] = a[i]?.key === b[j]?.key ? (below[j + 1] ?? 0) + 1 : Math.max(below[j] ?? 0, row[j + 1] ?? 0);
    }
  }
  return table;
}
