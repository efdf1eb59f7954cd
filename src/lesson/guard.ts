import { HIDDEN, LINK, ROLE_TAG } from "./clean-text.ts";
import type { Lesson } from "./lesson.ts";
import { namesOneQuestion, pointsOutside } from "./self-contained.ts";

/** UTF-16 code units. A rule that needs more is not one rule. */
export const MAX_CONTENT_CHARS = 400;
export const MAX_APPLIES_WHEN_CHARS = 200;
const MAX_TAGS = 12;
const MAX_TAG_CHARS = 64;

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
  if (lesson.content.trim() === "") return "is empty";
  if (lesson.content.length > MAX_CONTENT_CHARS) return `is longer than ${MAX_CONTENT_CHARS} characters`;
  if (lesson.appliesWhen.trim() === "") return "does not say when it applies";
  if (lesson.appliesWhen.length > MAX_APPLIES_WHEN_CHARS) return `says when it applies in more than ${MAX_APPLIES_WHEN_CHARS} characters`;
  if (!(lesson.confidence >= 0 && lesson.confidence <= 1)) return "has a confidence outside [0, 1]";
  if (lesson.tags.length > MAX_TAGS || lesson.tags.some((tag) => tag.length > MAX_TAG_CHARS)) return "has too many or too long tags";
  // Lines and tabs are the shape of a template; everywhere else they are a way to leave the frame.
  const layoutFree = lesson.type === "code_template" ? lesson.content.replace(/[\n\t]/g, " ") : lesson.content;
  for (const text of [layoutFree, lesson.appliesWhen, ...lesson.tags]) {
    if (HIDDEN.test(text)) return "contains control, bidirectional or invisible characters";
    if (LINK.test(text)) return "contains a URL or an e-mail address";
  }
  for (const text of [lesson.content, lesson.appliesWhen, ...lesson.tags])
    if (ROLE_TAG.test(text)) return "contains a role tag or a prompt frame";
  return lesson.content.includes("```") ? "contains a code fence" : undefined;
}
