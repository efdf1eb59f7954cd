import { diag } from "@opentelemetry/api";
import { messageOf } from "../base/error.ts";
import { redacted } from "../base/redact.ts";

/** Tells the host's OpenTelemetry diagnostics what went wrong in code that must not disturb it. */
export interface Reporter {
  /** Counts a failure. The first of each `what` is written as a warning, the others are only counted. Never throws. */
  failure(what: string, caught?: unknown): void;
  /** Failures since the start. */
  count(): number;
}

/** A reporter whose lines are marked `agentlearn.<name>`. They go nowhere until the host sets a diag logger. */
export function createReporter(name: string): Reporter {
  const reported = new Set<string>();
  let failures = 0;
  return {
    failure(what, caught) {
      failures += 1;
      if (reported.has(what)) return;
      reported.add(what);
      const reason = caught === undefined ? "" : `: ${redacted(messageOf(caught).slice(0, 2_000))}`;
      try {
        diag.warn(`agentlearn.${name}: ${what}${reason}; further failures of this kind are only counted`);
      } catch {
        // The logger is the host's and may throw; there is nobody left to tell.
      }
    },
    count: () => failures,
  };
}
