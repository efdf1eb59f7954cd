import { isLearnError } from "../base/error.ts";
import { stripKnowledge } from "../lesson/strip-knowledge.ts";
import type { Store } from "../store/ports.ts";
import { assemble } from "../trace/assemble.ts";
import { spansOfBatch } from "./ingest.ts";

export interface SourceTasks {
  readonly tasks: readonly string[];
  /** Sources nobody can read any more: their tasks cannot be told from the eval cases. */
  readonly missing: readonly string[];
}

/** What the runs were asked that an item was read from, without our own words in it. Rejects with what the store rejects with, "not-found" apart. */
export async function sourceTasksOf(store: Pick<Store, "getTrace" | "spansOf">, runIds: readonly string[]): Promise<SourceTasks> {
  const tasks: string[] = [];
  const missing: string[] = [];
  for (const id of runIds) {
    const found = await tasksOfRun(store, id);
    if (found === undefined) missing.push(id);
    else tasks.push(...found.map(stripKnowledge).filter((task) => task !== ""));
  }
  return { tasks, missing };
}

async function tasksOfRun(store: Pick<Store, "getTrace" | "spansOf">, id: string): Promise<readonly string[] | undefined> {
  try {
    return [(await store.getTrace(id)).task];
  } catch (caught) {
    if (!isLearnError(caught) || caught.code !== "not-found") throw caught;
  }
  // A root that came late gave the run another id; its spans are still those of the same W3C trace.
  const runs = assemble(spansOfBatch(await store.spansOf(id.slice(0, 32))), "flush");
  return runs.length === 0 ? undefined : runs.map(({ task }) => task);
}
