import type { Clock } from "../base/clock.ts";
import { isLearnError } from "../base/error.ts";
import { newId } from "../base/id.ts";
import { packageVersion } from "../base/package-version.ts";
import { missingText } from "../knowledge/ab-report.ts";
import { lookAtOnline, type OnlineLook, type OnlineVerdict, unitsOf } from "../knowledge/decide-online.ts";
import { effectFor } from "../knowledge/effect.ts";
import type { Activation } from "../knowledge/guards/by-evidence.ts";
import type { SafetyReport } from "../knowledge/guards/safety-cases.ts";
import type { KnowledgeItem, OnlineRecord, Validation } from "../knowledge/knowledge-item.ts";
import type { OnlineSetting } from "../knowledge/online-setting.ts";
import { certificateOf, endTrial, isOnTrial, startTrial } from "../knowledge/online-trial.ts";
import type { ExposedRun } from "../knowledge/ports.ts";
import { liftText } from "../knowledge/retirement.ts";
import type { Store } from "../store/ports.ts";
import { everyRun } from "./effects.ts";
import type { LearnReport } from "./ports.ts";
import { saveTransition } from "./save-transition.ts";
import { nextPlace, settle } from "./settle.ts";
import { whyNotTried } from "./why-not-tried.ts";

export interface OnlineOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** Absent where online validation is off here: none begins, and those that others began are looked at all the same. */
  readonly setting?: OnlineSetting;
  /** Ends all trials undecided: it was switched off where they are given. */
  readonly endsAll?: boolean;
  readonly activation: Activation;
  readonly alpha: number;
  readonly minimumGain: number;
  /** Asks the safety cases of everything active with this item in it. */
  readonly testSet: (item: KnowledgeItem) => Promise<SafetyReport>;
  /** See `TryOptions`. */
  readonly known?: Map<string, string>;
  /** true: nobody reads why candidates are not tried, so none is looked at once there is no room. */
  readonly brief?: boolean;
  readonly signal?: AbortSignal;
}

type Decision = LearnReport["decisions"][number];

const ACTOR = "learner";
const MINUTE_US = 60_000_000;
/** So long after its answer was taken a run may still begin, go on, or be on its way. */
const RUN_US = 30 * MINUTE_US;
/** A trial that no run met for so long makes room for another. */
const IDLE_US = 14 * 24 * 60 * MINUTE_US;

/**
 * Looks at every trial, and decides those that can be. May run at any time, as often as one likes and in several processes: all evidence is good at every
 * look, and what somebody changed meanwhile is left for the next one.
 */
export async function lookAtTrials(options: OnlineOptions): Promise<readonly Decision[]> {
  const decisions: Decision[] = [];
  for (const item of (await options.store.listKnowledge({ status: "candidate" })).filter(isOnTrial)) {
    if (options.signal?.aborted) break;
    decisions.push(options.endsAll === true ? await stop(options, item, "online validation is switched off") : await lookAt(options, item));
  }
  return decisions;
}

/** Begins trials while there is room, the best supported candidates first, and says of the others why not. For one learner at a time: each takes a place in the stream of tests. */
export async function beginTrials(options: OnlineOptions): Promise<readonly Decision[]> {
  const { store, setting, signal } = options;
  if (setting === undefined) return [];
  const candidates = await store.listKnowledge({ status: "candidate" });
  let room = setting.maxCandidates - candidates.filter(isOnTrial).length;
  const decisions: Decision[] = [];
  for (const item of candidates.filter((one) => !isOnTrial(one)).sort(bestSupportedFirst)) {
    if (signal?.aborted || (room < 1 && options.brief === true)) break;
    const objection = await whyNotTried(options, item);
    if (objection === "decided") continue;
    if (objection !== undefined) decisions.push({ item, next: `not tried on live runs: ${objection}` });
    else if (room < 1)
      decisions.push({ item, next: `waits for a place on live runs: ${setting.maxCandidates} are tried (setting onlineMaxCandidates)` });
    else {
      const begun = await begin(options, setting, item);
      if (begun === undefined) continue;
      room -= 1;
      decisions.push(begun);
    }
  }
  return decisions;
}

async function begin(options: OnlineOptions, setting: OnlineSetting, item: KnowledgeItem): Promise<Decision | undefined> {
  const { store, clock, alpha, minimumGain } = options;
  const atUs = clock.nowUs();
  const started = startTrial(
    item,
    { actor: ACTOR, atUs },
    { setting, alpha, minimumGain, noteId: newId(), excluded: await unitsOfSources(store, item), ...(await nextPlace(store)) },
  );
  if (!(await saved(store, started))) return undefined;
  return { item: started.item, trial: "begun", next: `${started.item.validation?.reason}; its outcomes decide` };
}

async function lookAt(options: OnlineOptions, item: KnowledgeItem): Promise<Decision> {
  const { store, clock } = options;
  const note = item.validation as Validation & Required<Pick<Validation, "online">>;
  const { startedAtUs, maxRuns } = note.online;
  const [conflict] = await store.conflictsOf(item);
  if (conflict !== undefined) return stop(options, item, `it contradicts an item that became active meanwhile (${conflict.reason})`);
  const runs = await everyRun(store, { itemId: item.id, sinceUs: startedAtUs });
  const nowUs = clock.nowUs();
  const all = { ...unitsOf(runs, note.online), granted: 0 };
  const now = lookAtOnline({ ...note, ...note.online, ...all });
  // Harm is not waited for, nor is what makes the whole trial void. Everything else is: what is a success as far as one can see is a failure once it was evaluated.
  const isUrgent = now.verdict?.why === "harms" || now.verdict?.why === "mismatch";
  const seen = isUrgent ? all : await settledOf(options, note.online, runs, nowUs);
  const verdict = isUrgent ? now.verdict : lookAtOnline({ ...note, ...note.online, ...seen }).verdict;
  const lastUs = Math.max(startedAtUs, ...runs.map((run) => run.startTimeUs));
  const ending = verdict ?? (nowUs - lastUs > IDLE_US ? IDLE : undefined);
  if (ending === undefined) return { item, trial: "continued", next: `on trial: ${progressOf(now, all.exposures, maxRuns)}` };
  const certificate = certificateOf(note, seen, ending, { actor: ACTOR, atUs: nowUs, packageVersion: packageVersion() });
  return settle({ ...options, actor: ACTOR }, item, certificate);
}

/** The units whose outcomes had their time to arrive. What was taken and is on its way may still come; what is lost with its process never will. */
async function settledOf({ store }: OnlineOptions, online: OnlineRecord, runs: readonly ExposedRun[], nowUs: number) {
  const waitUs = online.waitMs * 1_000;
  const units = unitsOf(
    runs.filter(({ startTimeUs }) => startTimeUs <= nowUs - waitUs),
    online,
  );
  const { taken, lastAtUs = online.startedAtUs } = await store.trialRunsTaken(online.seed);
  const isOver = nowUs - lastAtUs > waitUs + RUN_US;
  return { ...units, granted: isOver ? taken : Math.min(taken, units.exposures) };
}

const IDLE: OnlineVerdict = { why: "idle", decision: "inconclusive", reason: `no run met it for ${IDLE_US / MINUTE_US / 60 / 24} days` };

/** "32 of 500 answers; with m: lift +6 points (-4 to +15) over 300 runs, 268 of them withheld; needs about 900 more runs". */
function progressOf({ effect }: OnlineLook, exposures: number, maxRuns: number): string {
  const spent = `${exposures} of ${maxRuns} answers held it`;
  const current = effectFor(effect);
  if (current === undefined)
    return effect.unjudged > 0 ? `${spent}, and none of ${effect.unjudged} runs was judged` : `${spent}, no run met it yet`;
  return `${spent}; with ${current.model}: ${liftText(current)}; ${missingText(current)}`;
}

async function stop({ store, clock }: OnlineOptions, item: KnowledgeItem, reason: string): Promise<Decision> {
  const ended = endTrial(item, { actor: ACTOR, atUs: clock.nowUs(), reason });
  const isSaved = await saved(store, ended);
  return { item: isSaved ? ended.item : item, next: `its trial ended undecided: ${reason}` };
}

/** The conversations, or traces, of the runs it was read from: as they are known now, since what comes later may come because of the trial. */
async function unitsOfSources(store: Store, item: KnowledgeItem): Promise<readonly string[]> {
  const units = new Set<string>();
  for (const id of item.sourceTraceIds) {
    units.add(id.slice(0, 32));
    const conversation = await store.getTrace(id).then(
      (trace) => trace.conversationId,
      (caught: unknown) => {
        if (isLearnError(caught) && caught.code === "not-found") return undefined;
        throw caught;
      },
    );
    if (conversation !== undefined) units.add(conversation);
  }
  return [...units];
}

function bestSupportedFirst(a: KnowledgeItem, b: KnowledgeItem): number {
  return b.sourceTraceIds.length - a.sourceTraceIds.length || a.createdAtUs - b.createdAtUs || (a.id < b.id ? -1 : 1);
}

/** False when somebody changed the item first. */
async function saved(store: Store, transition: Parameters<typeof saveTransition>[1]): Promise<boolean> {
  try {
    await saveTransition(store, transition);
    return true;
  } catch (caught) {
    if (isLearnError(caught) && caught.code === "conflict") return false;
    throw caught;
  }
}
