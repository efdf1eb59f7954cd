import { createExposureLedger, withRun } from "../agent/run-context.ts";
import { newTraceId } from "../base/id.ts";
import type { AgentRunner } from "../knowledge/ports.ts";
import { withoutTracing } from "../telemetry/suppress.ts";

/** The user's agent as tests run it: untraced, and `getKnowledge` inside it answers with the text under test and nothing else. */
export function trialRunner(agent: AgentRunner): AgentRunner {
  return (task, knowledge, signal) =>
    withoutTracing(() =>
      withRun({ traceId: newTraceId(), fixedText: knowledge, exposures: createExposureLedger() }, () => agent(task, knowledge, signal)),
    );
}
