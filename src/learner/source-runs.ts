import { isLearnError } from "../base/error.ts";
import { stripTrace } from "../lesson/strip-knowledge.ts";
import type { Store } from "../store/ports.ts";
import { assemble } from "../trace/assemble.ts";
import type { Trace } from "../trace/trace.ts";
import { spansOfBatch } from "./ingest.ts";

export interface SourceRuns {
  /** Without our own injected words. */
  readonly runs: readonly Trace[];
  /** Ids of sources nobody can read any more: their tasks cannot be told from the eval cases. */
  readonly missing: readonly string[];
}

/** The runs that an item was read from. Rejects with what the store rejects with, "not-found" apart. */
export async function sourceRunsOf(store: Pick<Store, "getTrace" | "spansOf">, runIds: readonly string[]): Promise<SourceRuns> {
  const runs: Trace[] = [];
  const missing: string[] = [];
  for (const id of runIds) {
    const found = await runsOf(store, id);
    if (found === undefined) missing.push(id);
    else runs.push(...found.map((trace) => stripTrace({ trace }).trace));
  }
  return { runs, missing };
}

/** What the runs were asked. */
export function tasksOf({ runs }: SourceRuns): readonly string[] {
  return runs.flatMap(({ task }) => (task === "" ? [] : [task]));
}

async function runsOf(store: Pick<Store, "getTrace" | "spansOf">, id: string): Promise<readonly Trace[] | undefined> {
  try {
    return [await store.getTrace(id)];
  } catch (caught) {
    if (!isLearnError(caught) || caught.code !== "not-found") throw caught;
  }
  // A root that came late gave the run another id; its spans are still those of the same W3C trace.
  const runs = assemble(spansOfBatch(await store.spansOf(id.slice(0, 32))), "flush");
  return runs.length === 0 ? undefined : runs;
}
