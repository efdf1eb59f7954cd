import { HIDDEN, LINK, ROLE_TAG } from "../lesson/clean-text.ts";
import { type Demand, demandsOf } from "../lesson/guards/demands.ts";
import type { KnowledgeItem } from "./knowledge-item.ts";

export interface UnsafePart {
  readonly kind: Demand["kind"] | "invisible" | "link" | "credential" | "role";
  /** As it stands in the text; hidden characters are left to who prints it. */
  readonly part: string;
}

const CREDENTIAL =
  /\bAKIA[0-9A-Z]{16}\b|\bsk-[A-Za-z0-9_-]{16,}|\bgh[pousr]_[A-Za-z0-9]{20,}|\bxox[abps]-[A-Za-z0-9-]{10,}|-----BEGIN [A-Z ]{0,20}PRIVATE KEY|\b(?:password|passwd|pwd|secret|api[_-]?key|token)\s*[:=]\s*['"]?[^\s'"]{6,}|\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\./i;

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
      ["credential", CREDENTIAL],
    ] as const) {
      const found = pattern.exec(text);
      if (found !== null) parts.push({ kind, part: found[0] });
    }
    parts.push(...demandsOf(text));
  }
  return parts;
}
