import { credentialIn } from "../base/redact.ts";
import { HIDDEN, LINK, ROLE_TAG } from "../lesson/clean-text.ts";
import { type Demand, demandsOf } from "../lesson/guards/demands.ts";
import type { KnowledgeItem } from "./knowledge-item.ts";

export interface UnsafePart {
  readonly kind: Demand["kind"] | "invisible" | "link" | "credential" | "role";
  /** As it stands in the text; hidden characters are left to who prints it. */
  readonly part: string;
}

/** What in an item somebody should look at. A rule that forbids or guards against such a thing is no demand for it. */
export function unsafeParts(item: Pick<KnowledgeItem, "type" | "content" | "appliesWhen">): readonly UnsafePart[] {
  const parts: UnsafePart[] = [];
  for (const text of [item.content, item.appliesWhen]) {
    // Layout is the shape of a template; everywhere else it is a way to leave the frame, and so is what nobody sees.
    const hidden = HIDDEN.exec(item.type === "code_template" ? text.replace(/[\n\t]/g, " ") : text);
    if (hidden !== null) parts.push({ kind: "invisible", part: hidden[0] });
    for (const [kind, pattern] of [
      ["link", LINK],
      ["role", ROLE_TAG],
    ] as const) {
      const found = pattern.exec(text);
      if (found !== null) parts.push({ kind, part: found[0] });
    }
    const credential = credentialIn(text);
    if (credential !== undefined) parts.push({ kind: "credential", part: credential });
    parts.push(...demandsOf(text));
  }
  return parts;
}
