import { charactersGuard } from "./guards/characters.ts";
import type { Guard } from "./guards/guard.ts";
import { lengthGuard } from "./guards/length.ts";
import { linksGuard } from "./guards/links.ts";
import { roleTagsGuard } from "./guards/role-tags.ts";
import type { Lesson } from "./lesson.ts";

/** In the order in which they speak. */
const OF_WORDS: readonly Guard[] = [lengthGuard, charactersGuard, linksGuard, roleTagsGuard];

/**
 * Why a lesson may not become a candidate; undefined when it may. Code decides this, not a model: filters on meaning do not hold against text that was
 * written to pass them, but a lesson without links, roles and hidden characters cannot carry the usual payloads.
 */
export function guardLesson(lesson: Lesson): string | undefined {
  return lesson.sourceTraceIds.length === 0 ? "names no source trace" : guardWords(lesson);
}

/** The part of `guardLesson` that reads the words. For text that has no runs behind it, such as an imported file. */
export function guardWords(lesson: Pick<Lesson, "type" | "content" | "appliesWhen" | "tags" | "confidence">): string | undefined {
  for (const guard of OF_WORDS) {
    const verdict = guard.check({ lesson: { ...lesson, sourceTraceIds: [], taint: [] }, sources: [], missing: [] });
    if (verdict.decision === "refuse") return verdict.reason;
  }
  return undefined;
}
