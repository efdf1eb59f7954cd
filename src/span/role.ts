import type { SpanRole } from "./span.ts";

export type Roles = { readonly [word: string]: SpanRole };

/** The role behind an emitter's word. Words come from outside: "constructor" must not find what every object has. */
export function roleIn(roles: Roles, word: string | undefined): SpanRole | undefined {
  return word !== undefined && Object.hasOwn(roles, word) ? roles[word] : undefined;
}
