import { digest } from "../base/id.ts";
import { createEffectSequence } from "../stats/effect-sequence.ts";
import { eLondLevel } from "../stats/online-level.ts";
import { type Effect, effectFor, effectOf } from "./effect.ts";
import { figure } from "./gate-words.ts";
import type { OnlineRecord, OnlineStratum, OnlineUnit, Validation } from "./knowledge-item.ts";
import type { ExposedRun } from "./ports.ts";
import { liftText } from "./retirement.ts";

/** How a trial on live runs is decided. It stands on every certificate of kind "online". */
export const ONLINE_RULE = 1;

/**
 * Error probability of the sequence that stops for harm: four times that of the whole stream of promotions, and not out of its budget, since the two mistakes are not
 * alike. A false promotion stays in every prompt; a false alarm costs one lesson, which waits for a person. In simulated worlds at 60 % success and a
 * share of 10 % an item of -20 points was given to 26 runs (median) before it stopped, with 0.05 to 45; of items without any effect 12 % stopped, of +10 0.3 %.
 */
export const HARM_ALPHA = 0.2;

/** Error probability, one-sided, with which an item is given up as worth too little. It goes on with nothing but a person's word, so this is no promise to users. */
const FUTILE_ALPHA = 0.05;

/** Of 5,000 units two are taken for one with a probability of 4e-8. */
const UNIT_CHARACTERS = 12;

export interface OnlineState
  extends Pick<Validation, "alpha" | "position" | "passedBefore" | "minimumGain">,
    Pick<OnlineRecord, "maxRuns" | "harmAlpha"> {
  readonly strata: readonly OnlineStratum[];
  readonly units: readonly OnlineUnit[];
  /** Runs that were given it, and answers that were handed out. Whichever is more counts against `maxRuns`. */
  readonly exposures: number;
  readonly granted: number;
}

export type OnlineFigures = Pick<
  Validation,
  "cases" | "baselinePassed" | "candidatePassed" | "gain" | "gainLower" | "eValue" | "threshold" | "alphaAllotted"
> & { readonly harmEValue: number; readonly model?: string };

export interface OnlineVerdict extends Pick<Validation, "decision" | "reason"> {
  readonly why: NonNullable<OnlineRecord["why"]>;
}

/** What the units say by now. */
export interface OnlineLook {
  readonly effect: Effect;
  readonly figures: OnlineFigures;
  /** Absent: it goes on. */
  readonly verdict?: OnlineVerdict;
}

export type OnlineUnits = Pick<OnlineState, "strata" | "units" | "exposures">;

/**
 * The units of one trial out of the runs that met its item: each unit once, with its first run that has a result, as in effect.ts. Runs from before it began, and
 * whole units that hold a source of the lesson, stay out: whatever they show, the lesson was made to fit them.
 */
export function unitsOf(
  runs: readonly ExposedRun[],
  { startedAtUs, excluded }: Pick<OnlineRecord, "startedAtUs" | "excluded">,
): OnlineUnits {
  const own = new Set(excluded);
  const counted = runs
    .filter((run) => !run.control && run.startTimeUs >= startedAtUs && !own.has(run.unitId))
    .sort((a, b) => a.startTimeUs - b.startTimeUs || (a.runId < b.runId ? -1 : 1));
  const byUnit = new Map<string, ExposedRun>();
  for (const run of counted) {
    const known = byUnit.get(run.unitId);
    if (known === undefined || (known.success === undefined && run.success !== undefined)) byUnit.set(run.unitId, run);
  }
  const strata: OnlineStratum[] = [];
  const units = [...byUnit.values()].map((run): OnlineUnit => {
    const { controlShare, probability } = run;
    // As stated before the draw, given that the run is in no control group; rounded as the check of the arms does it.
    const withheld = (probability - controlShare) / (1 - controlShare);
    const stratum = { model: run.model ?? "unknown", probabilityGiven: Math.round((1 - withheld) * 1e6) / 1e6 };
    const at = strata.findIndex((known) => known.model === stratum.model && known.probabilityGiven === stratum.probabilityGiven);
    const number = at === -1 ? strata.push(stratum) - 1 : at;
    return [number, run.given ? 1 : 0, run.success === undefined ? null : run.success ? 1 : 0, digest([run.unitId], UNIT_CHARACTERS)];
  });
  return { strata, units, exposures: runs.filter((run) => run.given && run.startTimeUs >= startedAtUs).length };
}

/**
 * The one place that decides about a trial, at every look, in this order: arms that were not drawn as stated end it without an answer; a sign of harm refuses;
 * evidence and a gain that is worth the tokens pass; a gain that can't be worth them refuses; and so does having used up its answers. Otherwise it goes on.
 */
export function lookAtOnline(state: OnlineState): OnlineLook {
  const alphaAllotted = eLondLevel(state.alpha, state.position, state.passedBefore);
  const effect = effectOf(runsOf(state), alphaAllotted);
  const pooled = pooledOf(state);
  const current = effectFor(effect);
  const { overall } = effect;
  const figures: OnlineFigures = {
    cases: overall.given + overall.withheld,
    baselinePassed: overall.withheldSuccess,
    candidatePassed: overall.givenSuccess,
    gain: current?.lift ?? 0,
    gainLower: current?.interval.lower ?? -1,
    eValue: bounded(current?.logEvidence.helps ?? 0),
    threshold: 1 / (current?.alpha ?? alphaAllotted),
    alphaAllotted,
    harmEValue: bounded(pooled.harm),
    ...(current === undefined ? {} : { model: current.model }),
  };
  const verdict = verdictOf(state, effect, figures, pooled.upper);
  return { effect, figures, ...(verdict === undefined ? {} : { verdict }) };
}

function verdictOf(state: OnlineState, effect: Effect, figures: OnlineFigures, upper: number): OnlineVerdict | undefined {
  const { eValue, threshold, gain, harmEValue } = figures;
  const { givenSuccess, given, withheldSuccess, withheld } = effect.overall;
  const counts = `${givenSuccess} of ${given} live runs with it succeeded, ${withheldSuccess} of ${withheld} without`;
  const current = effectFor(effect);
  const found = current === undefined ? counts : `${counts}; with ${current.model} ${liftText(current)}`;
  const end = (why: OnlineVerdict["why"], decision: OnlineVerdict["decision"], reason: string): OnlineVerdict => ({
    why,
    decision,
    reason,
  });
  if (effect.ratio.mismatch) {
    const { given: drawn, withheld: denied, expectedWithheld } = effect.ratio;
    const reason = `stopped: withheld from ${denied} of ${drawn + denied} runs where ${Math.round(expectedWithheld)} were to be expected, so the arms were not drawn as stated, or who gets judged hangs on them`;
    return end("mismatch", "inconclusive", reason);
  }
  const harmed = effect.byModel.find(({ verdict }) => verdict === "harms");
  if (harmEValue >= 1 / state.harmAlpha || harmed !== undefined)
    return end("harms", "refuse", `stopped at a sign of harm${harmed === undefined ? "" : ` with ${harmed.model}`}: ${found}`);
  const evidence = `e-value ${figure(eValue)} where ${figure(threshold)} is needed`;
  if (eValue >= threshold && gain >= state.minimumGain) return end("helps", "pass", `${found}, ${evidence}`);
  if (upper < state.minimumGain) return end("futile", "refuse", `too little gain to be worth its tokens: ${found}`);
  if (Math.max(state.exposures, state.granted) >= state.maxRuns)
    return end("spent", "refuse", `too little evidence in the ${state.maxRuns} answers that may hold it: ${found}, ${evidence}`);
  return undefined;
}

/** Units as runs, each of a unit of its own. */
function runsOf({ strata, units }: Pick<OnlineState, "strata" | "units">): readonly ExposedRun[] {
  return units.map(([stratum, given, success], index) => {
    const { model, probabilityGiven } = strata[stratum] as OnlineStratum;
    const id = String(index).padStart(9, "0");
    return {
      ...{ runId: id, unitId: id, given: given === 1, probability: 1 - probabilityGiven, control: false, controlShare: 0 },
      ...{ model, startTimeUs: index, ...(success === null ? {} : { success: success === 1 }) },
    };
  });
}

/**
 * Over all models: harm is looked for in everything at once, and where it ever showed it showed, whatever came after (Ville's inequality bounds the highest
 * value, not the last).
 */
function pooledOf({ strata, units }: Pick<OnlineState, "strata" | "units">): { readonly harm: number; readonly upper: number } {
  const sequence = createEffectSequence();
  let harm = 0;
  for (const [stratum, given, success] of units) {
    if (success === null) continue;
    const { probabilityGiven } = strata[stratum] as OnlineStratum;
    sequence.add({ given: given === 1, probabilityGiven, success: success === 1 });
    harm = Math.max(harm, sequence.logEvidence().harms);
  }
  return { harm, upper: sequence.interval(2 * FUTILE_ALPHA).upper };
}

function bounded(log: number): number {
  return Math.min(Math.exp(log), Number.MAX_VALUE);
}
