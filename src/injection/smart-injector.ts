import type { Limits } from "./assign.ts";
import type { Injector, KnowledgeSearch } from "./ports.ts";
import { select } from "./select.ts";

/** The default: pinned items always, and what fits the task best. */
export function createSmartInjector(search: KnowledgeSearch, limits: Limits = {}): Injector {
  return { name: "SmartInjector", inject: (request) => select({ ...request, ...limits, search }) };
}
