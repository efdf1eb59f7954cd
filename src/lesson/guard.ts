import { charactersGuard } from "./guards/characters.ts";
import type { Guard } from "./guards/guard.ts";
import { lengthGuard } from "./guards/length.ts";
import { linksGuard } from "./guards/links.ts";
import { roleTagsGuard } from "./guards/role-tags.ts";
import type { Lesson } from "./lesson.ts";
import { namesOneQuestion, pointsOutside } from "./self-contained.ts";

/** In the order in which they speak. */
const OF_WORDS: readonly Guard[] = [lengthGuard, charactersGuard, linksGuard, roleTagsGuard];

/**
 * Why a lesson may not become a candidate; undefined when it may. Code decides this, not a model: filters on meaning do not hold against text that was
 * written to pass them, but a lesson without links, roles and hidden characters cannot carry the usual payloads. `tasks`: what the runs were asked that it was read from.
 */
export function guardLesson(lesson: Lesson, tasks: readonly string[] = []): string | undefined {
  if (lesson.sourceTraceIds.length === 0) return "names no source trace";
  return guardWords(lesson) ?? pointsOutside(lesson) ?? namesOneQuestion(lesson, tasks);
}

/** The part of `guardLesson` that reads the words. For text that has no runs behind it, such as an imported file. */
export function guardWords(lesson: Pick<Lesson, "type" | "content" | "appliesWhen" | "tags" | "confidence">): string | undefined {
  for (const guard of OF_WORDS) {
    const verdict = guard.check({ lesson: { ...lesson, sourceTraceIds: [], taint: [] }, sources: [], missing: [] });
    if (verdict.decision === "refuse") return verdict.reason;
  }
  return undefined;
}
