import { isLearnError, LearnError } from "../base/error.ts";
import { mapLimited } from "../base/map-limited.ts";
import { renderReplay } from "../injection/render.ts";
import { type Blame, conclusionOf, type Replay, rank, type Suspect, suspectOf } from "../knowledge/blame.ts";
import type { KnowledgeItem } from "../knowledge/knowledge-item.ts";
import type { AgentRunner } from "../knowledge/ports.ts";
import { verdict } from "../outcome/judge.ts";
import { signEValue } from "../stats/sign-e-value.ts";
import type { Store } from "../store/ports.ts";
import type { Trace } from "../trace/trace.ts";
import { itemEffectOf } from "./effects.ts";

export interface ReplayOptions {
  readonly runner: AgentRunner;
  /** How good an answer to this task is, in [0, 1]. */
  readonly score: (output: string, task: string) => Promise<number> | number;
  readonly passScore: number;
  readonly concurrency: number;
  /** Runs with everything given, and as many without each item. Default 8: with one item, eight out of eight are beyond luck. */
  readonly replicates?: number;
  readonly signal?: AbortSignal;
}

export interface BlameOptions {
  readonly store: Store;
  readonly alpha: number;
  readonly replay?: ReplayOptions;
}

const DEFAULT_REPLICATES = 8;
// 1 / 0.05, times the number of items, since any of them may come out by luck.
const DECISIVE = 20;

/**
 * Which of the items a run was given made it fail, by causal evidence only: their lift over all runs of its model, and, where asked for, the run
 * repeated with each left out. Rejects "not-found" for an unknown run, "conflict" for a replay of a run without a task, and with what the scorer throws.
 */
export async function blame(idOrPrefix: string, options: BlameOptions): Promise<Blame> {
  const { store } = options;
  const trace = await store.getTrace(idOrPrefix);
  const status = verdict(await store.outcomesOf(trace.id))?.status ?? (trace.error === undefined ? "unjudged" : "failure");
  const { given: drawn = [], canary } = trace.exposure ?? {};
  // What was tried untested stood in the prompt like the rest.
  const given = canary?.member === true ? [...drawn, ...canary.ids] : drawn;
  const found = await Promise.all(given.map((id) => itemOrNone(store, id)));
  const items = found.filter((item) => item !== undefined);
  const replays = options.replay === undefined ? [] : await replayed(trace, items, options.replay);
  const suspects: Suspect[] = [];
  for (const [index, item] of items.entries()) {
    const { effect, sinceUs } = await itemEffectOf(store, item, options.alpha);
    suspects.push(suspectOf(item, effect, trace.model, sinceUs > trace.startTimeUs, replays[index]));
  }
  const ranked = rank(suspects);
  return {
    runId: trace.id,
    task: trace.task,
    status,
    ...(trace.model === undefined ? {} : { model: trace.model }),
    suspects: ranked,
    unknownItems: given.filter((_, index) => found[index] === undefined),
    conclusion: conclusionOf(status, given.length, ranked),
  };
}

async function itemOrNone(store: Store, id: string): Promise<KnowledgeItem | undefined> {
  try {
    const item = await store.getKnowledgeItem(id);
    // An id of a span is no prefix: another item that begins alike must not be blamed.
    return item.id === id ? item : undefined;
  } catch (caught) {
    if (isLearnError(caught) && (caught.code === "not-found" || caught.code === "conflict")) return undefined;
    throw caught;
  }
}

/** Pairs the n-th run with everything with the n-th run without the item; the same runs with everything serve all items. */
async function replayed(trace: Trace, items: readonly KnowledgeItem[], options: ReplayOptions): Promise<readonly Replay[]> {
  if (items.length === 0) return [];
  if (trace.task === "")
    throw new LearnError("conflict", `run ${trace.id.slice(0, 12)} has no task to repeat`, {
      hint: "have its instrumentation record content",
    });
  const pairs = options.replicates ?? DEFAULT_REPLICATES;
  const texts = [renderReplay(items), ...items.map((left) => renderReplay(items.filter((item) => item !== left)))];
  // Round by round, so that what changes about the agent meanwhile changes for all texts alike.
  const jobs = Array.from({ length: pairs }, () => texts).flat();
  const passed = await mapLimited(
    jobs,
    options.concurrency,
    async (text) => (await attempt(trace.task, text, options)) >= options.passScore,
    options.signal,
  );
  const at = (pair: number, text: number): boolean => passed[pair * texts.length + text] === true;
  return items.map((_, index) => {
    const rounds = Array.from({ length: pairs }, (_unused, pair) => [at(pair, 0), at(pair, index + 1)] as const);
    const count = (of: (round: readonly [boolean, boolean]) => boolean): number => rounds.filter(of).length;
    const eValue = signEValue(
      count(([all, without]) => without && !all),
      count(([all, without]) => all && !without),
    );
    return {
      pairs,
      passedWith: count(([all]) => all) / pairs,
      passedWithout: count(([, without]) => without) / pairs,
      eValue,
      decisive: eValue >= DECISIVE * items.length,
    };
  });
}

async function attempt(task: string, knowledge: string, { runner, score, signal }: ReplayOptions): Promise<number> {
  let output: string;
  try {
    output = await runner(task, knowledge, signal);
  } catch {
    // An agent that crashes has failed the task; that is what is being counted.
    return 0;
  }
  return await score(output, task);
}
