import type { Analyzer, JudgedTrace } from "../lesson/ports.ts";
import type { Store } from "../store/ports.ts";

/** Of the runs an analyzer left for later those it left last; older ones stay stored and are offered when these are done with. */
const MOST_KEPT = 1_000;

export interface Reading {
  readonly analyzer: Analyzer;
  readonly offered: readonly JudgedTrace[];
}

/** What each analyzer is to read: what nobody read yet, and what it left for later itself. Without the analyzers that have nothing to do. */
export async function readingsOf(
  store: Pick<Store, "keptFor">,
  analyzers: readonly Analyzer[],
  fresh: readonly JudgedTrace[],
): Promise<readonly Reading[]> {
  const isFresh = new Set(fresh.map(({ trace }) => trace.id));
  const readings: Reading[] = [];
  for (const analyzer of analyzers) {
    const kept = analyzer.background === true ? [] : await store.keptFor(analyzer.name, MOST_KEPT);
    if (fresh.length === 0 && kept.every(({ kept: until }) => until === "more")) continue;
    // A crash may have left a run both unread and kept.
    readings.push({ analyzer, offered: [...fresh, ...kept.filter(({ trace }) => !isFresh.has(trace.id))] });
  }
  return readings;
}
