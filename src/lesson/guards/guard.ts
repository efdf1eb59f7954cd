import type { Trace } from "../../trace/trace.ts";
import type { Lesson } from "../lesson.ts";

/** What a guard reads of a lesson, or of the item that was made of it. */
export type GuardedWords = Pick<Lesson, "type" | "content" | "appliesWhen" | "tags" | "sourceTraceIds" | "taint" | "confidence">;

export interface GuardInput {
  readonly lesson: GuardedWords;
  /** The runs it was read from, as far as they are stored, without our own injected words. */
  readonly sources: readonly Trace[];
  /** Ids of source runs that nobody can read any more. */
  readonly missing: readonly string[];
}

/** `quarantine`: kept as a candidate that is neither tested nor activated until a named person vouches for it. `refuse`: never an item. */
export type GuardVerdict =
  | { readonly decision: "allow" }
  | { readonly decision: "quarantine" | "refuse" /** A sentence fragment after "the lesson". */; readonly reason: string };

/** One check that holds alone. Pure; linear in the length of what it reads; never throws. */
export interface Guard {
  readonly name: string;
  check(input: GuardInput): GuardVerdict;
}

export const ALLOW: GuardVerdict = { decision: "allow" };

export function quarantine(reason: string): GuardVerdict {
  return { decision: "quarantine", reason };
}

export function refuse(reason: string): GuardVerdict {
  return { decision: "refuse", reason };
}

/** Everything of a lesson that an agent may come to read. */
export function textsOf(lesson: Pick<GuardedWords, "content" | "appliesWhen" | "tags">): readonly string[] {
  return [lesson.content, lesson.appliesWhen, ...lesson.tags];
}
