import { LearnError } from "../base/error.ts";
import { shortId } from "../base/id.ts";
import { lookAtOnline, ONLINE_RULE, type OnlineState, unitsOf } from "./decide-online.ts";
import type { OnlineRecord, Validation } from "./knowledge-item.ts";
import { MOST_ONLINE_SHARE } from "./online-setting.ts";
import type { ExposedRun } from "./ports.ts";

/** Sums depend on their order in the last digits. */
const TOLERANCE = 1e-9;

/** What of a certificate about a trial does not follow from its units, in words. Throws for a rule that this version does not know. */
export function onlineProblems(validation: Validation): string[] {
  const { online, rule } = validation;
  if (rule !== ONLINE_RULE)
    throw new LearnError("invalid", `this version knows rule ${ONLINE_RULE} of trials, the certificate names rule ${rule}`);
  if (online === undefined) return ["it does not say what was tried"];
  if (online.endedAtUs !== undefined && online.units === undefined)
    return [`its units are not here: \`agentlearn knowledge show ${shortId(validation.itemId)} --json\` prints them among the validations`];
  const problems: string[] = [];
  if (!(online.share > 0 && online.share <= MOST_ONLINE_SHARE)) problems.push(`a share of ${online.share} is none that a trial may have`);
  if (new Set((online.units ?? []).map(([, , , unit]) => unit)).size < (online.units ?? []).length)
    problems.push("a unit is counted twice");
  if (validation.pairs.length > 0) problems.push("a trial carries the pairs of a test on eval cases");
  const { figures, verdict } = lookAtOnline(stateOf(validation, online));
  const { model, harmEValue, ...rest } = figures;
  const expect = (what: string, stated: number | undefined, computed: number | undefined): void => {
    if (stated === computed) return;
    if (stated === undefined || computed === undefined || !(Math.abs(stated - computed) <= TOLERANCE * Math.max(1, Math.abs(computed))))
      problems.push(`${what} is stated as ${stated}, the units give ${computed}`);
  };
  if (online.endedAtUs === undefined) {
    expect("threshold", validation.threshold, figures.threshold);
    if (validation.decision !== "inconclusive") problems.push("a trial that goes on says that something was shown");
    return problems;
  }
  for (const [key, computed] of Object.entries(rest)) expect(key, validation[key as keyof typeof rest], computed);
  expect("harmEValue", online.harmEValue, harmEValue);
  if (online.model !== model) problems.push(`the model is stated as ${online.model}, the units give ${model}`);
  const given = (online.units ?? []).filter(([, isGiven]) => isGiven === 1).length;
  if ((online.exposures ?? 0) < given) problems.push(`${online.exposures} runs were given it, the units show ${given}`);
  // That nobody came can't be seen from who came.
  const isIdle = online.why === "idle" && verdict === undefined && validation.decision === "inconclusive";
  if (!isIdle && (verdict?.why !== online.why || verdict?.decision !== validation.decision))
    problems.push(
      `the decision is stated as ${validation.decision} (${online.why}), the units give ${verdict?.decision ?? "none"} (${verdict?.why ?? "it goes on"})`,
    );
  else if (!isIdle && verdict?.reason !== validation.reason)
    problems.push(`the reason is stated as "${validation.reason}", the units give "${verdict?.reason}"`);
  return problems;
}

/** What the runs that are stored now say of the units of a certificate. */
export interface StoredUnits {
  /** Units that are stored as they were counted, judged otherwise since, or not stored any more. */
  readonly same: number;
  readonly judgedSince: number;
  readonly gone: number;
  /** Units that stand in another arm, or were drawn with another probability or model, than the certificate says: it was not made from these runs. */
  readonly other: number;
}

/** Computes the units of an ended trial again from stored runs. Those that came after it was decided count neither way. */
export function storedUnits({ units = [], strata = [], ...trial }: OnlineRecord, runs: readonly ExposedRun[]): StoredUnits {
  const stored = unitsOf(runs, trial);
  const known = new Map(stored.units.map((unit) => [unit[3], unit]));
  const found = { same: 0, judgedSince: 0, gone: 0, other: 0 };
  for (const [number, given, success, id] of units) {
    const now = known.get(id);
    const [then, by] = [strata[number], now === undefined ? undefined : stored.strata[now[0]]];
    if (now === undefined) found.gone += 1;
    else if (now[1] !== given || then?.probabilityGiven !== by?.probabilityGiven) found.other += 1;
    else if (now[2] !== success) found.judgedSince += 1;
    else if (then?.model !== by?.model) found.other += 1;
    else found.same += 1;
  }
  return found;
}

function stateOf(validation: Validation, online: OnlineRecord): OnlineState {
  const { strata = [], units = [], exposures = 0, granted = 0 } = online;
  for (const [stratum] of units) {
    if (strata[stratum] === undefined) throw new LearnError("invalid", `a unit names stratum ${stratum} of ${strata.length}`);
  }
  return { ...validation, ...online, strata, units, exposures, granted };
}
