import type { KnowledgeChanges, KnowledgeFeed, KnowledgeSearch } from "../injection/ports.ts";
import { createReporter } from "../telemetry/report.ts";
import { createKnowledgeIndex } from "./knowledge-index.ts";

export interface ReplicaOptions {
  readonly feed: KnowledgeFeed;
  /** Milliseconds of a clock that only goes forward. Default performance.now. */
  readonly nowMs?: () => number;
}

/**
 * A copy of the active knowledge in this process, which answers from memory. It never rejects: what the feed fails to tell is reported once, and what was
 * known last is served. While it is used it looks for changes every second; it keeps no process alive. Nothing is read before the first question.
 */
export interface KnowledgeReplica extends KnowledgeSearch {
  /** Says that this process changed something: the next question looks for it first. */
  changed(): void;
  /** Resolves once everything that was changed before the call is taken in, or could not be. At once when nobody asked yet. */
  refresh(): Promise<void>;
  /** Stops looking for changes. Safe twice; questions are answered as before. */
  close(): void;
}

/** Others' changes are seen within twice this: one wait in the collector, one here. */
const CHECK_EVERY_MS = 1_000;
/** A question waits this long for a look at the feed, and only when none was made in the last second. */
const CHECK_WAIT_MS = 50;
/** The first question waits for the first load, within the second that `getKnowledge` takes at most. */
const LOAD_WAIT_MS = 800;
/** Nobody looks for a process that stopped asking. */
const IDLE_AFTER_MS = 60_000;
/** Counts of runs change without a change of the item; they are read anew this often, and with them a store that was replaced is found out. */
const READ_ALL_EVERY_MS = 600_000;
// Indexing 500 items takes about 5 ms, which is as long as the agent's loop should stand still; the next page is fetched meanwhile.
const PAGE = 500;

export function createKnowledgeReplica({ feed, nowMs = () => performance.now() }: ReplicaOptions): KnowledgeReplica {
  const index = createKnowledgeIndex();
  const reporter = createReporter("knowledge copy");
  let since = 0;
  let isLoaded = false;
  let hasFailed = false;
  let isStale = true;
  let checkedAtMs = Number.NEGATIVE_INFINITY;
  let readAllAtMs = Number.NEGATIVE_INFINITY;
  let askedAtMs = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;
  let running: { readonly done: Promise<void>; readonly beganAtMs: number } | undefined;

  function take({ changes }: KnowledgeChanges, seen: Set<string> | undefined): void {
    for (const { id, item } of changes) {
      // Whether the evidence is about these very words is checked where the prompt is made, for the few that are chosen: a digest each took a third of the load.
      if (item?.validation?.decision === "pass") {
        index.put(item);
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
    readAllAtMs = nowMs();
  }

  function look(): Promise<void> {
    // One that is under way may have read before the change that made this stale.
    if (running !== undefined) return isStale ? running.done.then(look) : running.done;
    isStale = false;
    const done = readChanges()
      .then(() => {
        isLoaded = true;
        hasFailed = false;
      })
      .catch((caught: unknown) => {
        hasFailed = true;
        reporter.failure("changes of the knowledge could not be read; what was known last is used", caught);
      })
      .finally(() => {
        running = undefined;
        checkedAtMs = nowMs();
      });
    running = { done, beganAtMs: nowMs() };
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

  /** Waits for news where that is worth it; never longer than said above. */
  async function beFresh(): Promise<void> {
    const now = nowMs();
    askedAtMs = now;
    watch();
    if (!isLoaded && !hasFailed) return waitFor(look(), LOAD_WAIT_MS);
    if (!isStale && now - checkedAtMs < CHECK_EVERY_MS && isLoaded) return;
    // After a failure the next look is a second away; one that hangs was waited for once.
    if (hasFailed && now - checkedAtMs < CHECK_EVERY_MS) return;
    const looking = look();
    const left = CHECK_WAIT_MS - (now - (running?.beganAtMs ?? now));
    if (left > 0) await waitFor(looking, left);
  }

  return {
    pinnedItems: async (asking) => {
      await beFresh();
      return index.pinned(asking);
    },
    searchKnowledge: async (task, limit, asking) => {
      await beFresh();
      return index.search(task, limit, asking);
    },
    provenItems: async (agentName, limit) => {
      await beFresh();
      return index.proven(agentName, limit);
    },
    changed() {
      isStale = true;
    },
    async refresh() {
      if (askedAtMs === Number.NEGATIVE_INFINITY) return;
      isStale = true;
      await look();
    },
    close() {
      isClosed = true;
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
