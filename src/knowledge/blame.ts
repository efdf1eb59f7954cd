import { type Effect, effectFor, type ModelEffect } from "./effect.ts";
import type { KnowledgeItem } from "./knowledge-item.ts";
import { liftText } from "./retirement.ts";

/** What a run did with and without one item, repeated on its task. */
export interface Replay {
  /** Pairs of runs: all items that were given, and all but this one. */
  readonly pairs: number;
  /** Share of the runs that passed. */
  readonly passedWith: number;
  readonly passedWithout: number;
  /** e-value for "the run goes better without it", from the pairs that differ. */
  readonly eValue: number;
  /** At least `20 x items`: beyond luck although every item was tried. */
  readonly decisive: boolean;
}

/** One item that the run was given, and what is known about it. */
export interface Suspect {
  readonly itemId: string;
  readonly content: string;
  readonly status: KnowledgeItem["status"];
  /** harms: shown to. helps: shown not to be the cause in general. Otherwise nothing is known. */
  readonly verdict: Effect["verdict"];
  /** By the model of the run; absent when no run with it counts. */
  readonly effect?: ModelEffect;
  /** The item says something else now than it did in this run. */
  readonly editedSince: boolean;
  readonly replay?: Replay;
  readonly finding: string;
}

export interface Blame {
  readonly runId: string;
  readonly task: string;
  readonly status: "success" | "failure" | "partial" | "unjudged";
  readonly model?: string;
  /** Strongest evidence of harm first. Newness counts for nothing. */
  readonly suspects: readonly Suspect[];
  /** Ids that were given and are not stored any more. */
  readonly unknownItems: readonly string[];
  /** One sentence: who is to blame, or why nobody can be. */
  readonly conclusion: string;
}

export function suspectOf(item: KnowledgeItem, effect: Effect, model: string | undefined, editedSince: boolean, replay?: Replay): Suspect {
  const measured = effectFor(effect, model ?? "unknown");
  const verdict = effect.ratio.mismatch ? "mismatch" : (measured?.verdict ?? "undecided");
  return {
    itemId: item.id,
    content: item.content,
    status: item.status,
    verdict,
    ...(measured === undefined ? {} : { effect: measured }),
    editedSince,
    ...(replay === undefined ? {} : { replay }),
    finding: [findingOf(verdict, measured), ...(replay === undefined ? [] : [replayText(replay)])].join("; "),
  };
}

/** Decisive replays of this very run first, then by the e-value of harm over all runs, then by lift. */
export function rank(suspects: readonly Suspect[]): readonly Suspect[] {
  const weight = ({ replay }: Suspect): number => (replay?.decisive ? replay.eValue : 0);
  const harm = ({ effect, verdict }: Suspect): number =>
    verdict === "mismatch" ? Number.NEGATIVE_INFINITY : (effect?.logEvidence.harms ?? Number.NEGATIVE_INFINITY);
  const lift = ({ effect }: Suspect): number => effect?.lift ?? Number.POSITIVE_INFINITY;
  return [...suspects].sort(
    (a, b) =>
      descending(weight(a), weight(b)) || descending(harm(a), harm(b)) || -descending(lift(a), lift(b)) || (a.itemId < b.itemId ? -1 : 1),
  );
}

export function conclusionOf(status: Blame["status"], given: number, suspects: readonly Suspect[]): string {
  if (given === 0) return "nothing can be said: the run was given no knowledge, so none can have made it fail";
  const failed = status === "failure" || status === "partial";
  const before = failed ? "" : status === "unjudged" ? "the run was not judged; " : "the run succeeded; ";
  const replayed = suspects.find(({ replay }) => replay?.decisive);
  if (replayed !== undefined) return `${before}this task goes better without item ${replayed.itemId.slice(0, 8)}: shown by replay`;
  const harmful = suspects.filter(({ verdict }) => verdict === "harms");
  if (harmful.length > 0) {
    const names = harmful.map(({ itemId }) => itemId.slice(0, 8)).join(", ");
    return `${before}shown to harm over many runs: ${names}. Whether it did so in this one only a replay can tell`;
  }
  if (suspects.some(({ replay }) => replay !== undefined))
    return `${before}nothing can be said: neither replay nor live runs tell any item from chance`;
  return `${before}nothing can be said: no item given is shown to harm. A replay tries this very task: --replay`;
}

function findingOf(verdict: Effect["verdict"], measured: ModelEffect | undefined): string {
  if (verdict === "mismatch") return "its arms were not drawn as stated, so nothing can be said";
  if (measured === undefined) return "no run of this model counts yet, so nothing can be said";
  const text = { harms: "harms", helps: "helps in general", undecided: "nothing can be said" }[verdict];
  return `${text}: ${liftText(measured)}`;
}

function replayText({ pairs, passedWith, passedWithout, eValue, decisive }: Replay): string {
  const share = (value: number): string => `${Math.round(value * pairs)} of ${pairs}`;
  return `replay: passed ${share(passedWith)} with it and ${share(passedWithout)} without (e = ${eValue.toPrecision(3)}${decisive ? "" : ", not beyond luck"})`;
}

function descending(a: number, b: number): number {
  return a === b ? 0 : a > b ? -1 : 1;
}
