import { createSender } from "../backfill/send-otlp.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import type { Config } from "../config/config.ts";
import type { JudgedTrace } from "../lesson/ports.ts";
import { type EvaluatedRun, evaluationRequest } from "../outcome/evaluation-event.ts";
import type { OutcomeStore } from "../outcome/ports.ts";
import { withoutTracing } from "../telemetry/suppress.ts";

// A record is about a kilobyte, and a run has two or three.
const RUNS_A_REQUEST = 200;

/** What `learn` does with runs it has judged; undefined where no endpoint is configured, which is the default: nothing leaves the machine unasked. */
export function outcomeTeller(
  config: Config,
  store: Pick<OutcomeStore, "outcomesOf">,
  clock: Clock = systemClock,
): ((traces: readonly JudgedTrace[], signal?: AbortSignal) => Promise<void>) | undefined {
  const url = config.evaluationsEndpoint;
  if (url === undefined) return undefined;
  return async (traces, signal = new AbortController().signal) => {
    const sender = createSender({ url, headers: {}, signal });
    for (let at = 0; at < traces.length; at += RUNS_A_REQUEST) {
      const runs: EvaluatedRun[] = [];
      for (const { trace } of traces.slice(at, at + RUNS_A_REQUEST)) runs.push({ trace, outcomes: await store.outcomesOf(trace.id) });
      const request = evaluationRequest(runs, clock.nowUs());
      if (request === undefined) continue;
      const body = {
        format: "otlp-json",
        signal: "logs",
        encoding: "identity",
        body: new TextEncoder().encode(JSON.stringify(request)),
        receivedAtUs: clock.nowUs(),
        traceIds: [],
      } as const;
      await withoutTracing(() => sender.deliver([{ body, spans: 0, logs: runs.length, rejected: 0, place: "judgements of runs" }]));
    }
  };
}
