import { createEffectSequence, type EffectSequence } from "../stats/effect-sequence.ts";
import { eLondLevel } from "../stats/online-level.ts";
import { type Interval, rateSequence } from "../stats/rate-sequence.ts";
import { logRatioEvidence, type RatioStratum } from "../stats/sample-ratio.ts";
import type { ExposedRun } from "./ports.ts";

/** helps, harms: the whole interval of the lift is on one side of 0. mismatch: the arms were not drawn as stated, so nothing can be said. */
export type EffectVerdict = "helps" | "harms" | "undecided" | "mismatch";

/** What live runs say, each unit of the draw counted once. All intervals hold at every moment at once: they may be looked at after every run. */
export interface EffectFigures {
  readonly given: number;
  readonly givenSuccess: number;
  readonly withheld: number;
  readonly withheldSuccess: number;
  /** Success share while given; absent before the first. Never decided on alone: a rule that helps on hard tasks has a low one. */
  readonly effectiveness?: number;
  readonly effectivenessInterval: Interval;
  /** Given minus withheld, weighted by the probabilities of the draw; absent until both were drawn. */
  readonly lift?: number;
  readonly interval: Interval;
  /** Error probability of each interval. */
  readonly alpha: number;
}

/** The question is asked anew for every model: an item that helped one may hold the next one back. */
export interface ModelEffect extends EffectFigures {
  /** As on the run, see model-name.ts; "unknown" where no run says one. */
  readonly model: string;
  readonly verdict: EffectVerdict;
  /** Logarithms of the e-values for both answers. */
  readonly logEvidence: { readonly helps: number; readonly harms: number };
  /** Runs still needed while it is undecided, if they are like those so far; absent when this lift would never be told from none. */
  readonly moreRuns?: number;
  /** Runs needed to tell a lift of `WORTH_TELLING` by the noise so far; absent before there is any. */
  readonly moreRunsToTell?: number;
}

/** Whether the arms came out as the stated probabilities have it, of all runs and of those that count. */
export interface RatioCheck {
  readonly mismatch: boolean;
  /** e-value against the stated probabilities; the larger of both. A mismatch from 1,000 on. */
  readonly eValue: number;
  readonly given: number;
  readonly withheld: number;
  /** What the stated probabilities let expect among `given` + `withheld`. */
  readonly expectedWithheld: number;
}

export interface Effect {
  /** Over all models: numbers to read, no verdict. Which models the runs used changes under it. */
  readonly overall: EffectFigures;
  /** In the order in which the models appeared. */
  readonly byModel: readonly ModelEffect[];
  /** The model of the newest run that counts. */
  readonly currentModel?: string;
  /** Of the current model. */
  readonly verdict: EffectVerdict;
  readonly ratio: RatioCheck;
  /** Exposed runs without a verdict and without an error; they count nowhere. */
  readonly unjudged: number;
  readonly lastRunUs?: number;
}

/** A lift of this size is what `moreRunsToTell` is about: ten points. */
export const WORTH_TELLING = 0.1;
/** From this e-value on the arms do not fit: of sound streams at most two in a thousand are ever accused, one for each of the two counts. */
const MISMATCH = 1_000;

/**
 * The effect of one item, from the runs that were given or denied it by the draw; pure, in time order whatever the order of `runs`.
 *
 * Each unit of the draw counts once, with its first run that has a result: later runs of a conversation share its arm and are no new draw.
 * Control runs are left out: there every other item was missing too, so they say what the library is worth and nothing about one item; the probability of
 * the others is taken given the knowledge arm. `alpha` is shared out among models in the order of their appearance, 6/(pi² k²) for the k-th, so that
 * an item without any effect is called helpful or harmful for any model, at any look, with probability alpha at most.
 *
 * Verdicts that come late change runs that were counted already; the guarantee is that of the verdicts as they stand.
 */
export function effectOf(runs: readonly ExposedRun[], alpha = 0.05): Effect {
  const all = createTally();
  const models = new Map<string, Tally>();
  const [drawn, counted] = [createRatio(), createRatio()];
  const [seen, used] = [new Set<string>(), new Set<string>()];
  let unjudged = 0;
  let current: string | undefined;
  const inOrder = runs.filter((run) => !run.control).sort((a, b) => a.startTimeUs - b.startTimeUs || (a.runId < b.runId ? -1 : 1));
  for (const run of inOrder) {
    const probabilityGiven = 1 - withheldInKnowledgeArm(run);
    if (!seen.has(run.unitId)) drawn.add(run.given, probabilityGiven);
    seen.add(run.unitId);
    if (run.success === undefined) unjudged += 1;
    if (run.success === undefined || used.has(run.unitId)) continue;
    used.add(run.unitId);
    counted.add(run.given, probabilityGiven);
    current = run.model ?? "unknown";
    const tally = models.get(current) ?? createTally();
    models.set(current, tally);
    for (const each of [all, tally]) each.add({ given: run.given, probabilityGiven, success: run.success });
  }
  const ratio = checkOf(drawn, counted);
  const byModel = [...models].map(([model, tally], index) => modelEffect(model, tally, eLondLevel(alpha, index + 1, 0), ratio.mismatch));
  const last = inOrder.at(-1);
  return {
    overall: all.figures(alpha),
    byModel,
    ...(current === undefined ? {} : { currentModel: current }),
    verdict: byModel.find(({ model }) => model === current)?.verdict ?? (ratio.mismatch ? "mismatch" : "undecided"),
    ratio,
    unjudged,
    ...(last === undefined ? {} : { lastRunUs: last.startTimeUs }),
  };
}

/** What all knowledge together is worth: the knowledge arm against the control group. See `EffectStore.controlledRuns`. */
export function libraryEffectOf(runs: readonly ExposedRun[], alpha = 0.05): Effect {
  // Seen from the library the control group is the withheld arm; no run is left out.
  return effectOf(
    runs.map((run) => ({ ...run, control: false, controlShare: 0 })),
    alpha,
  );
}

/** The figures of one model; of the current one unless it is named. */
export function effectFor(effect: Effect, model: string | undefined = effect.currentModel): ModelEffect | undefined {
  return effect.byModel.find((entry) => entry.model === model);
}

/** The stated probability is a total; this is what is left of it once the run is not in the control group. */
function withheldInKnowledgeArm({ probability, controlShare }: ExposedRun): number {
  const rest = controlShare === 0 ? probability : (probability - controlShare) / (1 - controlShare);
  // A pinned item is withheld by the control group alone; what subtracting leaves of that is rounding.
  return rest < 1e-9 ? 0 : rest;
}

interface Tally {
  readonly sequence: EffectSequence;
  add(unit: { readonly given: boolean; readonly probabilityGiven: number; readonly success: boolean }): void;
  figures(alpha: number): EffectFigures;
}

function createTally(): Tally {
  const sequence = createEffectSequence();
  const counts = { given: 0, givenSuccess: 0, withheld: 0, withheldSuccess: 0 };
  return {
    sequence,
    add(unit) {
      sequence.add(unit);
      counts[unit.given ? "given" : "withheld"] += 1;
      if (unit.success) counts[unit.given ? "givenSuccess" : "withheldSuccess"] += 1;
    },
    figures(alpha) {
      const lift = sequence.lift();
      return {
        ...counts,
        ...(counts.given === 0 ? {} : { effectiveness: counts.givenSuccess / counts.given }),
        effectivenessInterval: rateSequence(counts.givenSuccess, counts.given, alpha),
        ...(lift === undefined ? {} : { lift }),
        interval: sequence.interval(alpha),
        alpha,
      };
    },
  };
}

function modelEffect(model: string, { sequence, figures }: Tally, alpha: number, mismatch: boolean): ModelEffect {
  const shown = figures(alpha);
  const verdict = mismatch ? "mismatch" : shown.interval.lower > 0 ? "helps" : shown.interval.upper < 0 ? "harms" : "undecided";
  const more = sequence.moreUntilDecided(alpha);
  const toTell = sequence.moreToTell(WORTH_TELLING, alpha);
  return {
    model,
    ...shown,
    verdict,
    logEvidence: sequence.logEvidence(),
    ...(verdict === "undecided" && Number.isFinite(more) ? { moreRuns: more } : {}),
    ...(verdict === "undecided" && toTell !== undefined ? { moreRunsToTell: toTell } : {}),
  };
}

interface Ratio {
  add(given: boolean, probabilityGiven: number): void;
  readonly strata: ReadonlyMap<number, RatioStratum>;
}

function createRatio(): Ratio {
  const strata = new Map<number, { probabilityGiven: number; given: number; withheld: number }>();
  return {
    strata,
    add(given, probabilityGiven) {
      // Shares differ in their last digits by the way they were computed; that is no other probability.
      const key = Math.round(probabilityGiven * 1e6) / 1e6;
      const stratum = strata.get(key) ?? { probabilityGiven: key, given: 0, withheld: 0 };
      strata.set(key, stratum);
      stratum[given ? "given" : "withheld"] += 1;
    },
  };
}

/** Both counts matter: an arm that decides who gets judged biases the lift although the draw was fair. */
function checkOf(drawn: Ratio, counted: Ratio): RatioCheck {
  const log = Math.max(logRatioEvidence(drawn.strata.values()), logRatioEvidence(counted.strata.values()));
  const total = (of: (stratum: RatioStratum) => number): number =>
    [...drawn.strata.values()].reduce((sum, stratum) => sum + of(stratum), 0);
  return {
    mismatch: log >= Math.log(MISMATCH),
    eValue: Math.min(Math.exp(log), Number.MAX_VALUE),
    given: total(({ given }) => given),
    withheld: total(({ withheld }) => withheld),
    expectedWithheld: total(({ given, withheld, probabilityGiven }) => (given + withheld) * (1 - probabilityGiven)),
  };
}
