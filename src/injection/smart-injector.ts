import { createReporter, type Reporter } from "../telemetry/report.ts";
import type { Limits } from "./assign.ts";
import type { Injector } from "./injector.ts";
import { select } from "./select.ts";

/** The default: pinned items always, as many as `maxPinned` says, and what fits the task best. */
export function createSmartInjector(limits: Limits = {}, reporter: Reporter = createReporter("injection")): Injector {
  return { name: "SmartInjector", inject: (request, { search }) => select({ ...request, ...limits, search, reporter }) };
}
