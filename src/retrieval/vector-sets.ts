import { LearnError } from "../base/error.ts";
import { waitFor } from "../base/wait-for.ts";
import type { EmbeddingModel } from "../embedding/embedding-model.ts";
import type { VectorStore } from "../injection/ports.ts";
import type { Reporter } from "../telemetry/report.ts";
import { embedTask } from "./embed-task.ts";
import { createItemVectors, type ItemVectors } from "./item-vectors.ts";
import type { KnowledgeIndex } from "./knowledge-index.ts";

export interface VectorSetsOptions {
  readonly index: KnowledgeIndex;
  /** Opens the model, unless `use` names one before. */
  readonly model?: (() => Promise<EmbeddingModel>) | undefined;
  readonly store?: VectorStore | undefined;
  /** Whether to make vectors that are missing also with a model that is not at once. */
  readonly embedsItems: boolean;
  readonly reporter: Reporter;
  readonly nowMs: () => number;
}

/** The embedding model that items are searched by, with the vectors of them all; while it is replaced, its successor's beside them. Sets of two models never meet. */
export interface VectorSets {
  /** Searches by another model as soon as it has a vector of nearly every item; by the one before until then. Resolves when that is so, or can't be now. */
  use(model: EmbeddingModel): Promise<void>;
  /** Opens the model of the options. Once: each later call does nothing. */
  open(): void;
  /** The words of this item are new. */
  note(id: string): void;
  /** The items are all there: makes or reads what vectors are missing, in the background. */
  run(): void;
  /** The task as the model sees it; undefined where there is none yet, or it takes too long. Never rejects. */
  queryVector(task: string): Promise<Float32Array | undefined>;
  /**
   * The set to search by; after a wait, where it is not whole, with what there is. `waitsUntil` says how long, by when the work waited for began.
   * Undefined while the model is being opened; rejects with what opening it rejected with, and "unavailable" where there is none.
   */
  whole(waitsUntil: (beganAtMs: number) => number): Promise<ItemVectors | undefined>;
  close(): void;
}

export function createVectorSets(options: VectorSetsOptions): VectorSets {
  const { index, reporter, nowMs } = options;
  let openModel = options.model;
  let opening: Promise<void> | undefined;
  let openFault: unknown;
  let wasModelSaid = false;
  let isLoaded = false;
  let isClosed = false;
  // The one that is searched by, and while it is replaced its successor.
  let sets: ItemVectors[] = [];

  async function follow(model: EmbeddingModel): Promise<void> {
    if (sets.at(-1)?.model.id === model.id || isClosed) return;
    const embeds = model.embedNow !== undefined || options.embedsItems;
    const next = createItemVectors({ index, model, store: options.store, embeds, reporter, nowMs });
    sets.push(next);
    if (isLoaded) await next.run();
  }

  /** Lets go of models that are not searched by any more. */
  function dropOld(): void {
    const current = sets.findIndex(({ model }) => model === index.model());
    if (current <= 0) return;
    for (const old of sets.slice(0, current)) old.close();
    sets = sets.slice(current);
  }

  return {
    use(model) {
      // What somebody says in code comes before what is opened unasked.
      wasModelSaid = true;
      openModel = undefined;
      return follow(model);
    },
    open() {
      if (openModel === undefined) return;
      const openIt = openModel;
      openModel = undefined;
      opening = openIt()
        .then(
          (model) => {
            if (!wasModelSaid) void follow(model);
          },
          (caught: unknown) => {
            openFault = caught;
            reporter.failure("the embedding model could not be opened", caught);
          },
        )
        .finally(() => {
          opening = undefined;
        });
    },
    note(id) {
      for (const kept of sets) kept.note(id);
    },
    run() {
      isLoaded = true;
      for (const kept of sets) void kept.run();
    },
    async queryVector(task) {
      dropOld();
      const model = index.model();
      if (model === undefined) return undefined;
      try {
        return await embedTask(model, task);
      } catch (caught) {
        reporter.failure("the task could not be embedded; knowledge is searched by its words", caught);
        return undefined;
      }
    },
    async whole(waitsUntil) {
      if (sets.length === 0 && opening !== undefined) await waitFor(opening, waitsUntil(nowMs()) - nowMs());
      dropOld();
      const kept = sets.find(({ model }) => model === index.model()) ?? sets.at(-1);
      if (kept === undefined) {
        if (opening !== undefined) return undefined;
        throw openFault ?? new LearnError("unavailable", "there is no embedding model to search by yet");
      }
      if (!kept.isBehind()) return kept;
      const done = kept.run();
      await waitFor(done, waitsUntil(kept.beganAtMs() ?? nowMs()) - nowMs());
      return kept;
    },
    close() {
      isClosed = true;
      for (const kept of sets) kept.close();
    },
  };
}
