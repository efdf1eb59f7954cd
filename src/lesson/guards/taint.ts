import type { Trace } from "../../trace/trace.ts";
import type { Taint } from "../lesson.ts";
import { sharesWords } from "./copy-through.ts";
import type { GuardedWords } from "./guard.ts";
import { untrustedTexts } from "./untrusted-text.ts";

/** So many words in a row are no accident of language. */
const SHARED_TOKENS = 4;

/** What the analyzer said of a lesson, and what its words say: an analyzer that forgets to mention a source does not make it clean. */
export function taintOf(lesson: GuardedWords, sources: readonly Trace[]): readonly Taint[] {
  const texts = sources.flatMap(untrustedTexts);
  const seen = (["user", "tool"] as const).filter(
    (taint) =>
      !lesson.taint.includes(taint) &&
      sharesWords(
        lesson,
        texts.filter((text) => text.taint === taint),
        SHARED_TOKENS,
      ),
  );
  return seen.length === 0 ? lesson.taint : [...lesson.taint, ...seen];
}

/** Where a lesson's words may come from users, tools or a file; empty for one that a trusted source wrote. */
export function untrustedTaint(taint: readonly Taint[]): readonly Taint[] {
  return taint.filter((source) => source !== "model");
}
