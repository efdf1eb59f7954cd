import { LearnError } from "../base/error.ts";
import { idFrom, shortId } from "../base/id.ts";
import { HARM_ALPHA, lookAtOnline, ONLINE_RULE, type OnlineUnits, type OnlineVerdict } from "./decide-online.ts";
import { contentDigest } from "./evidence.ts";
import type { KnowledgeItem, Validation } from "./knowledge-item.ts";
import { type Change, type Transition, transitionTo } from "./life-cycle.ts";
import type { OnlineSetting } from "./online-setting.ts";

/** What a trial needs to be told at its start. It stays as it is until the trial ends, whatever the settings say meanwhile. */
export interface TrialStart extends Pick<Validation, "alpha" | "position" | "passedBefore" | "minimumGain"> {
  readonly setting: OnlineSetting;
  /** Units of the draw that hold a source run. */
  readonly excluded: readonly string[];
  readonly noteId: string;
}

/**
 * Begins the trial of a candidate on live runs. It stays a candidate. The note is bound to the present text: an edit, a test, a person's decision or `endTrial`
 * ends it, and what was spent of the error budget stays spent.
 */
export function startTrial(item: KnowledgeItem, change: Change, start: TrialStart): Transition {
  const short = shortId(item.id);
  if (item.status !== "candidate") {
    throw new LearnError("conflict", `item ${short} can't be tried on live runs: it is ${item.status}, not candidate`, {
      hint: `agentlearn knowledge show ${short}`,
    });
  }
  if (isOnTrial(item)) throw new LearnError("conflict", `item ${short} is on trial already`);
  const { setting, excluded, noteId, ...stream } = start;
  const percent = Math.round(setting.share * 1000) / 10;
  const note: Validation = {
    ...stream,
    id: noteId,
    itemId: item.id,
    kind: "online",
    // Never "pass": nothing that asks for passing evidence may take this for it.
    decision: "inconclusive",
    reason: `on trial in ${percent} % of the matching runs, in ${setting.maxRuns} answers at most`,
    actor: change.actor,
    createdAtUs: change.atUs,
    contentDigest: contentDigest(item),
    ...{ cases: 0, baselinePassed: 0, candidatePassed: 0, wins: 0, losses: 0, gain: 0, eValue: 1 },
    ...{ threshold: 0, alphaAllotted: 0, passScore: 0, pairs: [], rule: ONLINE_RULE },
    online: {
      seed: noteId,
      startedAtUs: change.atUs,
      share: setting.share,
      maxRuns: setting.maxRuns,
      waitMs: setting.waitMs,
      harmAlpha: HARM_ALPHA,
      excluded,
    },
  };
  const { threshold, alphaAllotted } = lookAtOnline({ ...note, ...online(note), ...NOTHING }).figures;
  return transitionTo(item, "trial", { ...change, reason: note.reason }, { validation: { ...note, threshold, alphaAllotted } });
}

/** Out of all runs again, undecided. It stays a candidate. */
export function endTrial(item: KnowledgeItem, change: Change): Transition {
  if (!isOnTrial(item)) {
    throw new LearnError("conflict", `item ${shortId(item.id)} is not on trial`, {
      hint: `agentlearn knowledge show ${shortId(item.id)}`,
    });
  }
  return transitionTo(item, "trial-end", change, { validation: undefined });
}

/** Whether its note says that a trial of its present text goes on. Says nothing about whether anybody may be given it: see `onlineItem`. */
export function isOnTrial(item: KnowledgeItem): boolean {
  const { validation: note } = item;
  const goesOn =
    note?.kind === "online" && note.decision === "inconclusive" && note.online !== undefined && note.online.endedAtUs === undefined;
  return item.status === "candidate" && goesOn && note.contentDigest === contentDigest(item);
}

/** The certificate of a trial that ends: all that its decision follows from. There is one of each trial, whoever computes it. */
export function certificateOf(
  note: Validation,
  seen: OnlineUnits & { readonly granted: number },
  verdict: OnlineVerdict,
  by: { readonly actor: string; readonly atUs: number; readonly packageVersion: string },
): Validation {
  const { harmEValue, model, ...figures } = lookAtOnline({ ...note, ...online(note), ...seen }).figures;
  const { why, decision, reason } = verdict;
  return {
    ...note,
    ...figures,
    id: idFrom(["online", note.id]),
    decision,
    reason,
    actor: by.actor,
    createdAtUs: by.atUs,
    packageVersion: by.packageVersion,
    ...(model === undefined ? {} : { runner: model }),
    online: { ...online(note), endedAtUs: by.atUs, why, ...(model === undefined ? {} : { model }), ...seen, harmEValue },
  };
}

const NOTHING = { strata: [], units: [], exposures: 0, granted: 0 };

function online(note: Validation): NonNullable<Validation["online"]> {
  if (note.online === undefined) throw new LearnError("invalid", `certificate ${shortId(note.id)} is not about a trial on live runs`);
  return note.online;
}
