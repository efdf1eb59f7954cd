import { jaccard, tokenSet } from "../base/similarity.ts";
import type { JudgedTrace } from "./ports.ts";

/** From this share of common words on, two tasks are one task asked twice. The same bound keeps an item's own tasks out of its test. */
const SAME_TASK = 0.9;

/**
 * Sorts runs into groups that count once as evidence: runs of one W3C trace, of one conversation, of one user or on nearly the same task belong together.
 * Otherwise one person could make a rule by failing three times. Users only count apart where the runs name more than one (`severalUsers`): with a single user
 * everything would be one group for ever. Returns the number of the group of each run, from 0 in order of first sight.
 */
export function independentGroups(runs: readonly JudgedTrace[], severalUsers: boolean): readonly number[] {
  const parent = runs.map((_, index) => index);
  const rootOf = (index: number): number => {
    let root = index;
    while (parent[root] !== root) root = parent[root] ?? root;
    parent[index] = root;
    return root;
  };
  const join = (a: number, b: number): void => {
    const [first, second] = [rootOf(a), rootOf(b)].sort((x, y) => x - y);
    parent[second ?? a] = first ?? b;
  };
  const firstWith = new Map<string, number>();
  for (const [index, { trace }] of runs.entries()) {
    const keys = [
      `trace ${trace.traceId}`,
      ...(trace.conversationId === undefined ? [] : [`conversation ${trace.conversationId}`]),
      ...(severalUsers && trace.userId !== undefined ? [`user ${trace.userId}`] : []),
    ];
    for (const key of keys) {
      const first = firstWith.get(key);
      if (first === undefined) firstWith.set(key, index);
      else join(first, index);
    }
  }
  for (const [a, b] of sameTasks(runs.map(({ trace }) => trace.task))) join(a, b);
  const numbers = new Map<number, number>();
  return runs.map((_, index) => {
    const root = rootOf(index);
    if (!numbers.has(root)) numbers.set(root, numbers.size);
    return numbers.get(root) ?? 0;
  });
}

/** Whether more than one user stands on these runs. */
export function nameSeveralUsers(runs: readonly JudgedTrace[]): boolean {
  return new Set(runs.flatMap(({ trace }) => trace.userId ?? [])).size > 1;
}

/**
 * Pairs of tasks with `SAME_TASK` of their words in common. Two such sets share one of their rarest words at least (of n words, one of the first
 * n - ceil(0.9 n) + 1), so only tasks that do are compared: exact, and near linear where tasks differ.
 */
function* sameTasks(tasks: readonly string[]): Generator<readonly [number, number]> {
  const sets = tasks.map(tokenSet);
  const uses = new Map<string, number>();
  for (const set of sets) for (const word of set) uses.set(word, (uses.get(word) ?? 0) + 1);
  const rank = (word: string): number => uses.get(word) ?? 0;
  const seen = new Map<string, number[]>();
  const whole = new Map<string, number>();
  for (const [index, set] of sets.entries()) {
    const words = [...set].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
    const key = words.join(" ");
    const twin = whole.get(key);
    if (words.length === 0) continue;
    if (twin !== undefined) {
      yield [twin, index];
      continue;
    }
    whole.set(key, index);
    const others = new Set<number>();
    for (const word of words.slice(0, words.length - Math.ceil(SAME_TASK * words.length) + 1)) {
      const known = seen.get(word) ?? [];
      for (const other of known) others.add(other);
      known.push(index);
      seen.set(word, known);
    }
    for (const other of others) if (jaccard(set, sets[other] ?? new Set()) >= SAME_TASK) yield [other, index];
  }
}
