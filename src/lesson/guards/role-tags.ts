import { ROLE_TAG } from "../clean-text.ts";
import { visible } from "./fold.ts";
import { ALLOW, type Guard, refuse, textsOf } from "./guard.ts";

/** Nothing that could pass for another speaker, or for the frame around the text. */
export const roleTagsGuard: Guard = {
  name: "role tags",
  check: ({ lesson }) => {
    for (const text of textsOf(lesson))
      if (ROLE_TAG.test(text) || ROLE_TAG.test(visible(text))) return refuse("contains a role tag or a prompt frame");
    return lesson.content.includes("```") ? refuse("contains a code fence") : ALLOW;
  },
};
