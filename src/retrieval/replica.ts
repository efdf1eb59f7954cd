import { LearnError } from "../base/error.ts";
import type { EmbeddingModel } from "../embedding/embedding-model.ts";
import type { KnowledgeChanges, KnowledgeFeed, KnowledgeSearch, VectorSearch, VectorStore } from "../injection/ports.ts";
import { appliesTo, type ItemInUse } from "../knowledge/knowledge-item.ts";
import { createReporter } from "../telemetry/report.ts";
import { embedTask } from "./embed-task.ts";
import { createItemVectors, type ItemVectors } from "./item-vectors.ts";
import { createKnowledgeIndex } from "./knowledge-index.ts";
import { createStoreAnswers } from "./store-answers.ts";

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
 * Nothing is read before the first question.
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
/** A question waits this long for a look at the feed, and only when none was made in the last second. */
const CHECK_WAIT_MS = 50;
/** The first question waits for the first load, within the second that `getKnowledge` takes at most. */
const LOAD_WAIT_MS = 800;
/** So long after the first question nearness waits for the load and the vectors: without them it has no answer at all. `getKnowledge` ends earlier. */
const VECTORS_WAIT_MS = 2_000;
const REFRESH_WAIT_MS = 5_000;
/** While it is asked the copy hears of the store every second; a few of those may fail. */
const TRIALS_HEARD_MS = 5_000;
const TRIALS_WAIT_MS = 300;
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
  let openModel = options.model;
  let opening: Promise<void> = Promise.resolve();
  let openFault: unknown;
  let wasModelSaid = false;
  // The one that is searched by, and while it is replaced its successor.
  let vectors: ItemVectors[] = [];
  const trials = new Map<string, ItemInUse>();
  let heardAtMs = Number.NEGATIVE_INFINITY;
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
        if (index.put(item)) for (const kept of vectors) kept.note(id);
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
    const done = readChanges()
      .then(() => {
        heardAtMs = beganAtMs;
        isLoaded = true;
        hasFailed = false;
        for (const kept of vectors) void kept.run();
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

  function useModel(model: EmbeddingModel): Promise<void> {
    // What somebody says in code comes before what is opened unasked.
    wasModelSaid = true;
    openModel = undefined;
    return follow(model);
  }

  function open(openIt: () => Promise<EmbeddingModel>): void {
    openModel = undefined;
    opening = openIt().then(
      (model) => {
        if (!wasModelSaid) void follow(model);
      },
      (caught: unknown) => {
        openFault = caught;
        reporter.failure("the embedding model could not be opened", caught);
      },
    );
  }

  async function follow(model: EmbeddingModel): Promise<void> {
    if (vectors.at(-1)?.model.id === model.id || isClosed) return;
    const embeds = model.embedNow !== undefined || options.embedsItems === true;
    const next = createItemVectors({ index, model, store: options.vectors, embeds, reporter, nowMs });
    vectors.push(next);
    if (isLoaded) await next.run();
  }

  /** Lets go of models that are not searched by any more. */
  function dropOldModels(): void {
    const current = vectors.findIndex(({ model }) => model === index.model());
    if (current <= 0) return;
    for (const old of vectors.slice(0, current)) old.close();
    vectors = vectors.slice(current);
  }

  /** The task as the model sees it; undefined where there is none yet, or it takes too long. Never rejects. */
  async function queryVector(task: string): Promise<Float32Array | undefined> {
    dropOldModels();
    const model = index.model();
    if (model === undefined) return undefined;
    try {
      return await embedTask(model, task);
    } catch (caught) {
      reporter.failure("the task could not be embedded; knowledge is searched by its words", caught);
      return undefined;
    }
  }

  /** The vectors to search by: a whole set, or what there is of the first one after a wait. */
  async function vectorsAt(questionAtMs: number): Promise<ItemVectors> {
    const firstUntilMs = (firstAskedAtMs ?? questionAtMs) + VECTORS_WAIT_MS;
    if (!isLoaded && !hasFailed && firstUntilMs > nowMs()) await waitFor(look(), firstUntilMs - nowMs());
    if (vectors.length === 0 && firstUntilMs > nowMs()) await waitFor(opening, firstUntilMs - nowMs());
    dropOldModels();
    const kept = vectors.find(({ model }) => model === index.model()) ?? vectors.at(-1);
    if (kept === undefined) throw openFault ?? new LearnError("unavailable", "there is no embedding model to search by yet");
    if (!kept.isBehind()) return kept;
    const done = kept.run();
    const untilMs = Math.max(firstUntilMs, Math.min(kept.beganAtMs() ?? questionAtMs, questionAtMs) + CHECK_WAIT_MS);
    if (untilMs > nowMs()) await waitFor(done, untilMs - nowMs());
    return kept;
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

  const isStaleForTrials = (): boolean => nowMs() - heardAtMs > TRIALS_HEARD_MS;

  /** Waits for news where that is worth it; never longer than said above. */
  async function beFresh(): Promise<void> {
    const now = nowMs();
    askedAtMs = now;
    watch();
    firstAskedAtMs ??= now;
    if (openModel !== undefined) open(openModel);
    if (!isLoaded && !hasFailed) return waitFor(look(), LOAD_WAIT_MS);
    if (!isStale && now - checkedAtMs < CHECK_EVERY_MS && isLoaded) return;
    // After a failure the next look is a second away; one that hangs was waited for once.
    if (hasFailed && now - checkedAtMs < CHECK_EVERY_MS) return;
    const looking = look();
    const left = CHECK_WAIT_MS - (now - (running?.beganAtMs ?? now));
    if (left > 0) await waitFor(looking, left);
  }

  async function answer<T>(ofCopy: () => T | Promise<T>, ofStore: (search: KnowledgeSearch) => Promise<T>): Promise<T> {
    const fresh = beFresh();
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
        async () => index.search(task, limit, asking, await queryVector(task)),
        (search) => search.searchKnowledge(task, limit, asking),
      ),
    nearestItems: async (task, limit, asking, minimumSimilarity) => {
      if (task.trim() === "" || limit <= 0) return [];
      const beganAtMs = nowMs();
      await beFresh();
      const { model, table } = await vectorsAt(beganAtMs);
      const query = await embedTask(model, task);
      return query === undefined ? [] : index.nearest(table, query, limit, asking, minimumSimilarity);
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
      await beFresh();
      // Who asks seldom has no news when he asks; that a store is slow must not keep him out of every trial. One that fails is not waited for.
      if (isStaleForTrials() && trials.size > 0 && !hasFailed) await waitFor(look(), TRIALS_WAIT_MS);
      if (isStaleForTrials()) return [];
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
    useModel,
    status() {
      const model = index.model();
      return { items: index.size(), ...(model === undefined ? {} : { model: model.id }) };
    },
    close() {
      isClosed = true;
      for (const kept of vectors) kept.close();
      clearInterval(timer);
      timer = undefined;
    },
  };
}

/** The timer is one that keeps the process alive: whoever waits for an answer must get it. */
function waitFor(work: Promise<void>, timeoutMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, timeoutMs);
    void work.then(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
