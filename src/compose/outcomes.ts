import { foldText } from "../base/similarity.ts";
import type { Config } from "../config/config.ts";
import type { EvalCase } from "../evaluation/evaluation.ts";
import { createCompositeSignal } from "../outcome/composite-signal.ts";
import { deterministicSignal } from "../outcome/deterministic-signal.ts";
import { createLlmJudge, type JudgeCase, type LlmJudge } from "../outcome/llm-judge.ts";
import type { OutcomeSignal, OutcomeStore, TraceCheck } from "../outcome/ports.ts";
import { createReporter } from "../telemetry/report.ts";
import type { Trace } from "../trace/trace.ts";
import { llmFrom, type Wrap } from "./from-config.ts";

export interface OutcomeParts {
  /** What code passed; undefined where it said nothing. */
  readonly outcomes?: readonly OutcomeSignal[] | undefined;
  readonly checks?: readonly TraceCheck[] | undefined;
  /** Undefined where it is off. */
  readonly judge?: LlmJudge | undefined;
}

// A tool that failed and was not tried again is a fault the judge may know to be harmless: with a judge's full mark it makes "partial", and a person is asked.
const JUDGE_WEIGHT = 2;
const FAULT_WEIGHT = 1;

/** How runs are judged when somebody learns, beside what was judged when they came: the user's own, else the judge where it is on; and the checks. */
export function signalsFrom({ outcomes, checks = [], judge }: OutcomeParts): readonly OutcomeSignal[] {
  const own = checks.length === 0 ? [] : [deterministicSignal({ checks })];
  if (outcomes !== undefined) return [...outcomes, ...own];
  if (judge === undefined) return own;
  const soft = [
    { signal: visibleFaults(), weight: FAULT_WEIGHT },
    { signal: judge, weight: JUDGE_WEIGHT },
  ];
  return [createCompositeSignal({ name: "default", soft }), ...own];
}

/** The judge of this configuration; undefined where it is off. Throws "invalid" like the model's client when it is on and there is no key. */
export function judgeFrom(
  config: Config,
  store: Pick<OutcomeStore, "outcomesOf">,
  cases: readonly EvalCase[],
  wrap: Wrap = (llm) => llm,
  newNonce?: (about: string) => string,
): LlmJudge | undefined {
  if (config.judge === "off") return undefined;
  const reporter = createReporter("judge");
  const byTask = new Map(cases.map((entry) => [foldText(entry.task), entry]));
  return createLlmJudge({
    llm: wrap(llmFrom(config, config.judgeModel)),
    sampleShare: config.judgeShare,
    caseOf: (trace) => judgeCaseOf(byTask.get(foldText(trace.task))),
    outcomesOf: (traceId) => store.outcomesOf(traceId),
    ...(newNonce === undefined ? {} : { newNonce }),
    onWarning: (message) => reporter.failure(message),
  });
}

/** What the case says of a good answer, without what else it is. */
export function judgeCaseOf(entry: EvalCase | undefined): JudgeCase | undefined {
  if (entry?.expected === undefined && entry?.judgePrompt === undefined) return undefined;
  const { expected, judgePrompt } = entry;
  return { ...(expected === undefined ? {} : { expected }), ...(judgePrompt === undefined ? {} : { judgePrompt }) };
}

/** What went visibly wrong, and nothing where nothing did: that all went well is not evidence against a judge. */
function visibleFaults(): OutcomeSignal {
  const whole = deterministicSignal();
  return {
    name: whole.name,
    judge: async (trace: Trace, signal) => [(await whole.judge(trace, signal)) ?? []].flat().filter(({ status }) => status === "failure"),
  };
}
