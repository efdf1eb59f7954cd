import { scopesMeet } from "./conflict.ts";
import type { Scope } from "./knowledge-item.ts";
import type { ValidationCase } from "./ports.ts";

/** `tenant:acme` on an eval case: it speaks of that tenant's business, and only its items, and those for everybody, are tested on it. */
const TENANT_TAG = "tenant:";

/** The tenant that an eval case is of; undefined for one of nobody in particular. */
export function tenantOfCase(tags: readonly string[]): string | undefined {
  const tag = tags.find((one) => one.startsWith(TENANT_TAG) && one.length > TENANT_TAG.length);
  return tag?.slice(TENANT_TAG.length);
}

/** The cases that may be asked with this item in the prompt: those of another tenant are not its business. */
export function casesFor(item: Scope, cases: readonly ValidationCase[]): readonly ValidationCase[] {
  return cases.filter(({ tenant }) => tenant === undefined || item.tenant === undefined || tenant === item.tenant);
}

/** The items that could stand in a prompt with this one; beside one for everybody none of any tenant, or two tenants' words would meet in one prompt. */
export function beside<Item extends Scope>(item: Scope, active: readonly Item[]): readonly Item[] {
  return active.filter((other) => scopesMeet(item, other) && (other.tenant === undefined || other.tenant === item.tenant));
}
