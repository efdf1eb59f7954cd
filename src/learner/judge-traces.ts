import type { Clock } from "../base/clock.ts";
import { fromUnknown, LearnError } from "../base/error.ts";
import { mapLimited } from "../base/map-limited.ts";
import type { JudgedTrace } from "../lesson/ports.ts";
import type { Proposal } from "../lesson/propose.ts";
import { judge, verdict } from "../outcome/judge.ts";
import type { OutcomeSignal, OutcomeStore } from "../outcome/ports.ts";
import type { SpendMeter } from "./spend-meter.ts";

export interface JudgeTracesOptions {
  readonly store: OutcomeStore;
  readonly clock: Clock;
  readonly signals?: readonly OutcomeSignal[];
  /** Runs judged at a time. */
  readonly concurrency: number;
  readonly signal?: AbortSignal;
  /** Says when a limit was reached: a signal that met it is not asked again. */
  readonly meter?: Pick<SpendMeter, "stopped">;
}

export interface JudgedTraces {
  readonly traces: readonly JudgedTrace[];
  /** Signals that could not judge, each with its first error, named as the report names analyzers. */
  readonly faults: Proposal["failures"];
  /** Ids of runs that a person should look at, by what was said now. */
  readonly forReview: readonly string[];
}

// A wrong key is refused every time; one run that the provider will not have is not.
const REFUSALS = 3;

/**
 * Adds what only this process can say of the runs: the user's functions, and models. A signal that can't be asked now, or is wrongly configured, is not
 * asked again for the others of these runs. What a model refuses while it judges other runs lies in the run, and holds nothing back: whoever wrote the run
 * could stop all learning otherwise. Rejects "cancelled", and when the store does.
 */
export async function judgeTraces(options: JudgeTracesOptions, traces: readonly JudgedTrace[]): Promise<JudgedTraces> {
  const { store, clock, signals = [], signal } = options;
  if (signals.length === 0) return { traces, faults: [], forReview: [] };
  const faults = new Map<string, { readonly error: LearnError; times: number }>();
  const forReview: string[] = [];
  let modelSpoke = false;
  const isDown = ({ name }: OutcomeSignal): boolean => {
    const fault = faults.get(name);
    if (fault === undefined || !mayPass(fault.error)) return false;
    return fault.error.retryable || options.meter?.stopped() !== undefined || (fault.times >= REFUSALS && !modelSpoke);
  };
  const onAbstain = (name: string, caught: unknown): void => {
    const error = fromUnknown(caught, `outcome ${name}`);
    const known = faults.get(name);
    // What may pass decides what becomes of the runs, so it is not hidden behind an earlier refusal.
    if (known === undefined || (error.retryable && !known.error.retryable)) faults.set(name, { error, times: (known?.times ?? 0) + 1 });
    else known.times += 1;
  };
  const judgeOne = async ({ trace }: JudgedTrace): Promise<JudgedTrace> => {
    const asked = signals.filter((one) => !isDown(one));
    const said = await judge(trace, asked, clock.nowUs(), { onAbstain, ...(signal === undefined ? {} : { signal }) });
    if (signal?.aborted === true) throw new LearnError("cancelled", "judging was cancelled", { cause: signal.reason });
    modelSpoke ||= said.some(({ source }) => source.startsWith("judge:"));
    if (said.some(({ review }) => review === true)) forReview.push(trace.id);
    await store.saveOutcomes(said);
    const outcome = verdict(await store.outcomesOf(trace.id));
    return outcome === undefined ? { trace } : { trace, outcome };
  };
  const judged = await mapLimited(traces, options.concurrency, judgeOne, signal);
  const named = [...faults].map(([name, { error }]) => ({ analyzer: `outcome ${name}`, error: blamed(error, modelSpoke) }));
  return { traces: judged, faults: named, forReview };
}

function blamed(error: LearnError, modelSpoke: boolean): LearnError {
  if (error.retryable || error.code !== "invalid" || !modelSpoke) return error;
  return new LearnError("internal", `${error.message} (other runs were judged: it lies in the run)`, { cause: error });
}

/**
 * A wrong key or model is no reason to forget what the model never saw: the settings get corrected. What is broken ("internal") would hold back all others
 * for ever.
 */
export function mayPass(error: LearnError): boolean {
  return error.retryable || error.code === "invalid";
}
