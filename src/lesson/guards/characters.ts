import { HIDDEN } from "../clean-text.ts";
import { decodedParts } from "./fold.ts";
import { ALLOW, type Guard, quarantine, refuse, textsOf } from "./guard.ts";

// Within one word: Latin beside Cyrillic or Greek is how one word is made to look like another.
const MIXED_SCRIPTS =
  /\p{sc=Latin}[\p{M}\p{N}]{0,3}[\p{sc=Cyrillic}\p{sc=Greek}]|[\p{sc=Cyrillic}\p{sc=Greek}][\p{M}\p{N}]{0,3}\p{sc=Latin}/u;
// A unit is written so: µm, Ω.
const UNIT = /[µμΩ]/gu;

/** What a person reads is what the agent reads: nothing hidden, no lookalikes, nothing encoded. */
export const charactersGuard: Guard = {
  name: "characters",
  check: ({ lesson }) => {
    // Lines and tabs are the shape of a template; everywhere else they are a way to leave the frame.
    const content = lesson.type === "code_template" ? lesson.content.replace(/[\n\t]/g, " ") : lesson.content;
    const texts = [content, lesson.appliesWhen, ...lesson.tags];
    if (texts.some((text) => HIDDEN.test(text))) return refuse("contains control, bidirectional or invisible characters");
    if (texts.some((text) => MIXED_SCRIPTS.test(text.replace(UNIT, "")))) return quarantine("mixes letters of two alphabets in one word");
    const encoded = textsOf(lesson).flatMap(decodedParts)[0];
    return encoded === undefined ? ALLOW : quarantine(`holds encoded text that reads ${JSON.stringify(encoded.slice(0, 60))}`);
  },
};
