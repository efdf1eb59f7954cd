import { SCOPE_FIELDS, type Scope } from "../knowledge/knowledge-item.ts";

/**
 * Who asks, from several that say it: field by field the last one that says anything. An empty text takes back what those before it said, so that a call
 * can ask for nobody; what is no text counts as empty, since it names nobody either.
 */
export function whoAsks(...said: readonly Scope[]): Scope {
  return Object.fromEntries(
    SCOPE_FIELDS.flatMap((field) => {
      const last: unknown = said.map((scope) => scope[field]).findLast((value) => value !== undefined);
      return typeof last === "string" && last !== "" ? [[field, last]] : [];
    }),
  );
}
