import { waitFor } from "../base/wait-for.ts";
import type { EmbeddingModel } from "../embedding/embedding-model.ts";
import type { KnowledgeChanges, KnowledgeFeed, KnowledgeSearch, VectorSearch, VectorStore } from "../injection/ports.ts";
import { appliesTo, type ItemInUse } from "../knowledge/knowledge-item.ts";
import { createReporter } from "../telemetry/report.ts";
import { embedTask } from "./embed-task.ts";
import type { ItemVectors } from "./item-vectors.ts";
import { createKnowledgeIndex } from "./knowledge-index.ts";
import { createStoreAnswers } from "./store-answers.ts";
import { createVectorSets } from "./vector-sets.ts";

export interface ReplicaOptions {
  readonly feed: KnowledgeFeed;
  /** Asked while the copy loads for the first time: the answer of whichever is there first is taken. Without it the first questions wait for the load. */
  readonly search?: KnowledgeSearch;
  /** Opens the model by which items are searched beside their words. Called once, at the first question, unless `useModel` was called before. */
  readonly model?: () => Promise<EmbeddingModel>;
  /** Where vectors are kept; without it they are made anew by each process. */
  readonly vectors?: VectorStore;
  /** Whether this process makes vectors that are missing with a model that is not at once. Default false: each would pay for the same ones. */
  readonly embedsItems?: boolean;
  /** Milliseconds of a clock that only goes forward. Default performance.now. */
  readonly nowMs?: () => number;
}

/**
 * A copy of the active knowledge in this process, which answers from memory. What the feed fails to tell is reported once, and what was known last is
 * served; only `nearestItems` rejects, with what its model rejects with. While it is used it looks for changes every second; it keeps no process alive.
 * Nothing is read before the first question. That one waits for the load, and those that come meanwhile wait with it, until 0.8 s after the first; any other
 * waits 50 ms at most, for all it may wait for together, and is answered from what is there by then.
 */
export interface KnowledgeReplica extends KnowledgeSearch, VectorSearch {
  /**
   * Candidates whose note says that they are on trial, oldest first. None when nothing was heard of the store for `TRIALS_HEARD_MS`: whoever could not hear that a
   * trial was stopped gives nobody what is untested.
   */
  trialItems(): Promise<readonly ItemInUse[]>;
  /** Says that this process changed something: the next question looks for it first. */
  changed(): void;
  /** Resolves once everything that was changed before the call is taken in, or could not be, or after 5 s. At once when nobody asked yet. */
  refresh(): Promise<void>;
  /** Searches by another model as soon as it has a vector of nearly every item; by the one before until then. Resolves when that is so, or can't be now. */
  useModel(model: EmbeddingModel): Promise<void>;
  /** What is searched now; asks nobody. `model`: the id of the one by whose vectors, absent while it is words alone. */
  status(): { readonly items: number; readonly model?: string };
  /** Stops looking for changes. Safe twice; questions are answered as before. */
  close(): void;
}

/** Others' changes are seen within twice this: one wait in the collector, one here. */
const CHECK_EVERY_MS = 1_000;
/** A question waits this long for a look at the feed, and only when none was made in the last second. Who asks so soon after the first asks with it. */
const CHECK_WAIT_MS = 50;
/** The first load is waited for until so long after the first question: a server that starts under load should not answer its first callers with nothing. */
const LOAD_WAIT_MS = 800;
/** Where it is nearness that is asked for first, the vectors are waited for too: without them there is no answer at all. `getKnowledge` ends earlier. */
const VECTORS_WAIT_MS = 2_000;
const REFRESH_WAIT_MS = 5_000;
/** While it is asked the copy hears of the store every second; a few of those may fail. */
const TRIALS_HEARD_MS = 5_000;
/** Nobody looks for a process that stopped asking. */
const IDLE_AFTER_MS = 60_000;
/** Counts of runs change without a change of the item; they are read anew this often, and with them a store that was replaced is found out. */
const READ_ALL_EVERY_MS = 600_000;
// Indexing 500 items takes about 5 ms, which is as long as the agent's loop should stand still; the next page is fetched meanwhile.
const PAGE = 500;

export function createKnowledgeReplica(options: ReplicaOptions): KnowledgeReplica {
  const { feed, nowMs = () => performance.now() } = options;
  const index = createKnowledgeIndex();
  const reporter = createReporter("knowledge copy");
  const store = options.search === undefined ? undefined : createStoreAnswers(options.search);
  let since = 0;
  let isLoaded = false;
  let hasFailed = false;
  let isStale = true;
  let checkedAtMs = Number.NEGATIVE_INFINITY;
  let readAllAtMs = Number.NEGATIVE_INFINITY;
  let askedAtMs = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;
  let firstAskedAtMs: number | undefined;
  const trials = new Map<string, ItemInUse>();
  let heardAtMs = Number.NEGATIVE_INFINITY;
  const sets = createVectorSets({
    index,
    model: options.model,
    store: options.vectors,
    embedsItems: options.embedsItems === true,
    reporter,
    nowMs,
  });
  let running: { readonly done: Promise<void>; readonly beganAtMs: number } | undefined;

  function take({ changes }: KnowledgeChanges, seen: Set<string> | undefined): void {
    for (const { id, item, trial } of changes) {
      if (trial === undefined) trials.delete(id);
      else {
        trials.set(id, trial);
        seen?.add(id);
      }
      // Whether the evidence is about these very words is checked where the prompt is made, for the few that are chosen: a digest each took a third of the load.
      if (item?.validation?.decision === "pass") {
        if (index.put(item)) sets.note(id);
        seen?.add(id);
      } else index.remove(id);
    }
  }

  async function readChanges(): Promise<void> {
    // From the start now and then: `seen` tells afterwards which items the store has no more.
    let seen = nowMs() - readAllAtMs > READ_ALL_EVERY_MS ? new Set<string>() : undefined;
    let at = seen === undefined ? since : 0;
    let next = feed.knowledgeChanges(at, PAGE);
    for (;;) {
      const page = await next;
      if (page.seq < at) {
        seen = new Set();
        at = 0;
        next = feed.knowledgeChanges(0, PAGE);
        continue;
      }
      at = page.seq;
      if (page.more) {
        next = feed.knowledgeChanges(at, PAGE);
        // Awaited in the next round; until then a rejection must not count as nobody's.
        next.catch(() => undefined);
      }
      take(page, seen);
      if (!page.more) break;
    }
    since = at;
    if (seen === undefined) return;
    for (const id of [...index.ids()]) if (!seen.has(id)) index.remove(id);
    for (const id of [...trials.keys()]) if (!seen.has(id)) trials.delete(id);
    readAllAtMs = nowMs();
  }

  function look(): Promise<void> {
    // One that is under way may have read before the change that made this stale.
    if (running !== undefined) return isStale ? running.done.then(look) : running.done;
    isStale = false;
    const beganAtMs = nowMs();
    // A moment later: the store answers in turn, and the first question, which it answers itself, goes before the first page.
    const done = Promise.resolve()
      .then(readChanges)
      .then(() => {
        heardAtMs = beganAtMs;
        isLoaded = true;
        hasFailed = false;
        sets.run();
      })
      .catch((caught: unknown) => {
        hasFailed = true;
        reporter.failure("changes of the knowledge could not be read; what was known last is used", caught);
      })
      .finally(() => {
        running = undefined;
        checkedAtMs = nowMs();
      });
    running = { done, beganAtMs };
    return done;
  }

  function watch(): void {
    if (timer !== undefined || isClosed) return;
    timer = setInterval(() => {
      if (nowMs() - askedAtMs < IDLE_AFTER_MS) void look();
      else {
        clearInterval(timer);
        timer = undefined;
      }
    }, CHECK_EVERY_MS);
    timer.unref();
  }

  function loadWaitMs(now: number): number {
    return Math.max((firstAskedAtMs ?? now) + LOAD_WAIT_MS - now, CHECK_WAIT_MS);
  }

  /** Waits for news where that is worth it; never longer than said above. */
  async function beFresh(now: number): Promise<void> {
    askedAtMs = now;
    watch();
    firstAskedAtMs ??= now;
    sets.open();
    if (!isLoaded && !hasFailed) return waitFor(look(), loadWaitMs(now));
    if (!isStale && now - checkedAtMs < CHECK_EVERY_MS && isLoaded) return;
    // After a failure the next look is a second away; one that hangs was waited for once.
    if (hasFailed && now - checkedAtMs < CHECK_EVERY_MS) return;
    const looking = look();
    await waitFor(looking, CHECK_WAIT_MS - (now - (running?.beganAtMs ?? now)));
  }

  /** The vectors to search by, for a question asked then. */
  async function vectorsFor(askedMs: number): Promise<ItemVectors | undefined> {
    const isLoading = !isLoaded && !hasFailed;
    await beFresh(askedMs);
    const firstMs = firstAskedAtMs ?? askedMs;
    const comesFirst = askedMs - firstMs < CHECK_WAIT_MS;
    const untilMs = comesFirst ? firstMs + VECTORS_WAIT_MS : (isLoading ? nowMs() : askedMs) + CHECK_WAIT_MS;
    if (comesFirst && !isLoaded && !hasFailed) await waitFor(look(), untilMs - nowMs());
    // What hangs was waited for once.
    return sets.whole((beganAtMs) => (comesFirst ? untilMs : Math.min(untilMs, beganAtMs + CHECK_WAIT_MS)));
  }

  async function answer<T>(ofCopy: () => T | Promise<T>, ofStore: (search: KnowledgeSearch) => Promise<T>): Promise<T> {
    const fresh = beFresh(nowMs());
    if (store !== undefined && !isLoaded && !hasFailed) {
      // A store that fails is reported by the load, which fails too.
      const copy = fresh.then(() => undefined);
      const first = await Promise.race([copy, ofStore(store).catch(() => copy)]);
      if (first !== undefined) return first;
    }
    await fresh;
    return ofCopy();
  }

  return {
    pinnedItems: (asking) =>
      answer(
        () => index.pinned(asking),
        (search) => search.pinnedItems(asking),
      ),
    searchKnowledge: (task, limit, asking) =>
      answer(
        async () => index.search(task, limit, asking, await sets.queryVector(task)),
        (search) => search.searchKnowledge(task, limit, asking),
      ),
    nearestItems: async (task, limit, asking, minimumSimilarity) => {
      if (task.trim() === "" || limit <= 0) return [];
      const set = await vectorsFor(nowMs());
      const query = set === undefined ? undefined : await embedTask(set.model, task);
      return set === undefined || query === undefined ? [] : index.nearest(set.table, query, limit, asking, minimumSimilarity);
    },
    provenItems: (asking, limit) =>
      answer(
        () => index.proven(asking, limit),
        (search) => search.provenItems(asking, limit),
      ),
    activeItems: (limit, asking) =>
      answer(
        () => (asking === undefined ? index.all() : index.all().filter((item) => appliesTo(item, asking))).slice(0, limit),
        (search) => search.activeItems(limit, asking),
      ),
    async trialItems() {
      await beFresh(nowMs());
      if (nowMs() - heardAtMs > TRIALS_HEARD_MS) return [];
      return [...trials.values()].sort((a, b) => a.createdAtUs - b.createdAtUs || (a.id < b.id ? -1 : 1));
    },
    changed() {
      isStale = true;
    },
    async refresh() {
      if (askedAtMs === Number.NEGATIVE_INFINITY) return;
      isStale = true;
      await waitFor(look(), REFRESH_WAIT_MS);
    },
    useModel: sets.use,
    status() {
      const model = index.model();
      return { items: index.size(), ...(model === undefined ? {} : { model: model.id }) };
    },
    close() {
      isClosed = true;
      sets.close();
      clearInterval(timer);
      timer = undefined;
    },
  };
}
