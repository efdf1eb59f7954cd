import { ALLOW, type Guard, refuse } from "./guard.ts";

/** UTF-16 code units. A rule that needs more is not one rule. */
export const MAX_CONTENT_CHARS = 400;
export const MAX_APPLIES_WHEN_CHARS = 200;
const MAX_TAGS = 12;
const MAX_TAG_CHARS = 64;

/** A rule is short: what is long is a text that wants to be followed. */
export const lengthGuard: Guard = {
  name: "length",
  check: ({ lesson }) => {
    if (lesson.content.trim() === "") return refuse("is empty");
    if (lesson.content.length > MAX_CONTENT_CHARS) return refuse(`is longer than ${MAX_CONTENT_CHARS} characters`);
    if (lesson.appliesWhen.trim() === "") return refuse("does not say when it applies");
    if (lesson.appliesWhen.length > MAX_APPLIES_WHEN_CHARS)
      return refuse(`says when it applies in more than ${MAX_APPLIES_WHEN_CHARS} characters`);
    if (!(lesson.confidence >= 0 && lesson.confidence <= 1)) return refuse("has a confidence outside [0, 1]");
    if (lesson.tags.length > MAX_TAGS || lesson.tags.some((tag) => tag.length > MAX_TAG_CHARS))
      return refuse("has too many or too long tags");
    return ALLOW;
  },
};
