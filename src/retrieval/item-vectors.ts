import type { EmbeddingModel } from "../embedding/embedding-model.ts";
import type { ItemVector, VectorStore } from "../injection/ports.ts";
import type { ItemInUse } from "../knowledge/knowledge-item.ts";
import type { Reporter } from "../telemetry/report.ts";
import { embeddedDigest, embeddedText } from "./embedded-text.ts";
import type { KnowledgeIndex } from "./knowledge-index.ts";
import { createVectorTable, type VectorTable } from "./vector-table.ts";

export interface ItemVectorsOptions {
  readonly index: KnowledgeIndex;
  readonly model: EmbeddingModel;
  /** Where vectors are kept, so that each is made once. */
  readonly store?: VectorStore | undefined;
  /** Whether to make those that are missing; else they are waited for. */
  readonly embeds: boolean;
  readonly reporter: Reporter;
  readonly nowMs: () => number;
}

/** The vectors of all items of an index by one model: read from the store, or made, in the background. */
export interface ItemVectors {
  readonly model: EmbeddingModel;
  /** What is there so far. */
  readonly table: VectorTable;
  /** The words of this item are new. */
  note(id: string): void;
  /** Whether a vector of some item is missing. */
  isBehind(): boolean;
  /** When the work under way began, by the clock of the options; undefined while there is none. */
  beganAtMs(): number | undefined;
  /** Works until nothing is left to do, or not now. One at a time; never rejects. */
  run(): Promise<void>;
  close(): void;
}

const BATCH = 256;
/** The agent's loop stands still no longer than this at a time. */
const SLICE_MS = 4;
/** After a model or a store that failed, or for vectors that somebody else is to make. */
const AGAIN_AFTER_MS = 30_000;
/** Searched by vectors from here on; waiting for the last one would let a single failure keep all the others from use. */
const COMPLETE = 0.95;

export function createItemVectors(options: ItemVectorsOptions): ItemVectors {
  const { index, model, store, reporter, nowMs } = options;
  const table = createVectorTable(model.dimensions);
  const waiting = new Set<string>(index.ids());
  const release = index.follow(table);
  /** What the run under way has not looked at yet; what changes meanwhile comes in. */
  let left = new Set<string>();
  let running: Promise<void> | undefined;
  let beganAtMs: number | undefined;
  let notBeforeMs = Number.NEGATIVE_INFINITY;
  let isClosed = false;

  /** Takes what is still about these words. */
  function take(item: ItemInUse, vector: Float32Array): void {
    const slot = index.slotOf(item);
    if (slot !== undefined) table.set(slot, vector);
    if (index.get(item.id) === undefined || slot !== undefined) waiting.delete(item.id);
  }

  async function readStored(items: readonly ItemInUse[]): Promise<readonly ItemInUse[]> {
    if (store === undefined) return items;
    const stored = await store.itemVectors(
      model.id,
      items.map(({ id }) => id),
    );
    const known = new Map(stored.map((row) => [row.itemId, row]));
    return items.filter((item) => {
      const row = known.get(item.id);
      if (row === undefined || row.vector.length !== model.dimensions || row.digest !== embeddedDigest(item)) return true;
      take(item, row.vector);
      return false;
    });
  }

  async function make(items: readonly ItemInUse[]): Promise<void> {
    const made: ItemVector[] = [];
    const note = (item: ItemInUse, vector: Float32Array): void => {
      take(item, vector);
      made.push({ itemId: item.id, digest: embeddedDigest(item), vector });
    };
    if (model.embedNow === undefined) {
      const vectors = await model.embed(items.map(embeddedText));
      for (const [at, item] of items.entries()) if (vectors[at] !== undefined) note(item, vectors[at]);
    } else {
      let sinceMs = nowMs();
      for (const item of items) {
        note(item, model.embedNow(embeddedText(item)));
        if (nowMs() - sinceMs < SLICE_MS) continue;
        await breathe();
        sinceMs = nowMs();
      }
    }
    // A vector that can't be kept is made again by the next process; it serves this one.
    await store?.saveItemVectors(model.id, made).catch((caught: unknown) => reporter.failure("vectors could not be kept", caught));
  }

  async function work(): Promise<void> {
    left = new Set(waiting);
    while (left.size > 0 && !isClosed) {
      const batch = [...take256(left)];
      const items = batch.flatMap((id) => index.get(id) ?? []);
      for (const id of batch) {
        left.delete(id);
        if (index.get(id) === undefined) waiting.delete(id);
      }
      const missing = await readStored(items);
      if (missing.length > 0 && options.embeds) await make(missing);
      await breathe();
    }
    if (waiting.size > 0) notBeforeMs = nowMs() + AGAIN_AFTER_MS;
    if (!isClosed && table.size() >= index.size() * COMPLETE) index.searchBy(table, model);
  }

  return {
    model,
    table,
    isBehind: () => waiting.size > 0,
    beganAtMs: () => beganAtMs,
    note: (id) => {
      waiting.add(id);
      left.add(id);
    },
    run() {
      if (running !== undefined) return running;
      if (isClosed || nowMs() < notBeforeMs) return Promise.resolve();
      beganAtMs = nowMs();
      running = work()
        .catch((caught: unknown) => {
          notBeforeMs = nowMs() + AGAIN_AFTER_MS;
          reporter.failure(`vectors by ${model.id} could not be had; knowledge is searched by its words`, caught);
        })
        .finally(() => {
          running = undefined;
          beganAtMs = undefined;
        });
      return running;
    },
    close() {
      isClosed = true;
      release();
    },
  };
}

function* take256(ids: ReadonlySet<string>): Iterable<string> {
  let count = 0;
  for (const id of ids) {
    if (count === BATCH) return;
    count += 1;
    yield id;
  }
}

/** Lets the loop go on. The timer keeps no process alive. */
function breathe(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 1).unref();
  });
}
