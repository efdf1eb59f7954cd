import type { TimeUs } from "../base/clock.ts";
import { LearnError } from "../base/error.ts";
import type { KnowledgeItem, Validation } from "../knowledge/knowledge-item.ts";
import type { AgentRunner } from "../knowledge/ports.ts";
import { type ValidateOptions, validate } from "../knowledge/validate.ts";
import { binomialInterval } from "../stats/binomial-interval.ts";

export interface AaTestOptions
  extends Pick<
    ValidateOptions,
    "runner" | "cases" | "alpha" | "minimumGain" | "passScore" | "confirmReplicates" | "maxRounds" | "concurrency" | "signal"
  > {
  /** Tests of identical arms. */
  readonly repetitions: number;
  /** The knowledge text on both sides. Default none. */
  readonly context?: string;
  readonly nowUs: TimeUs;
  readonly onProgress?: (progress: { readonly repetition: number; readonly agentRuns: number }) => void;
}

export interface AaReport {
  readonly repetitions: number;
  readonly cases: number;
  /** Tests that passed although nothing was tested. */
  readonly promotions: number;
  readonly rate: number;
  /** Exact, 95 %. */
  readonly interval: { readonly lower: number; readonly upper: number };
  /** What the gate promises for one test at the first place of the stream. */
  readonly allowed: number;
  /** held: nothing speaks against the promise. broken: the rate is above it beyond chance. not-begun: no test could have passed. */
  readonly verdict: "held" | "broken" | "not-begun";
  /** Tests that found a regression where there is none, and tests in whose first round the score went up. */
  readonly regressions: number;
  readonly wentUp: number;
  /** Share of the pairs whose sides, although the same, did not score the same: what agent and judge flip by themselves. */
  readonly flipped: number;
  readonly agentRuns: number;
  /** Why the first test ended. */
  readonly reason: string;
}

/** The most runs of the agent that the test can take: every round, and every case lost and repeated to the end. */
export function mostAgentRuns(
  options: Pick<AaTestOptions, "repetitions" | "maxRounds" | "confirmReplicates"> & { readonly cases: number },
): number {
  const { repetitions, cases, maxRounds = 16, confirmReplicates = 11 } = options;
  return repetitions * cases * 2 * (maxRounds + confirmReplicates);
}

/**
 * Puts the same knowledge on both sides and lets the gate decide, again and again: with the user's own agent, scorer, cases and settings. A gate whose promise
 * holds passes it in at most `allowed` of the tests; one that passes more tells of runs that are not independent, such as an agent with a memory. Every
 * test takes a baseline of its own. Rejects as `validate` does.
 */
export async function aaTest(options: AaTestOptions): Promise<AaReport> {
  const { repetitions, context = "" } = options;
  if (!Number.isSafeInteger(repetitions) || repetitions < 1)
    throw new LearnError("invalid", `repetitions is ${repetitions}, it must be a whole number from 1`);
  if (options.cases.length === 0)
    throw new LearnError("invalid", "there are no eval cases to test on", { hint: "write --cases FILE, or add some with learn.eval.add" });
  let agentRuns = 0;
  const runner: AgentRunner = (task, knowledge, signal) => {
    agentRuns += 1;
    return options.runner(task, knowledge, signal);
  };
  const certificates: Validation[] = [];
  for (let repetition = 0; repetition < repetitions; repetition += 1) {
    const tell = () => options.onProgress?.({ repetition, agentRuns });
    tell();
    certificates.push(
      await validate({
        ...settingsOf(options),
        item: { ...NOTHING, createdAtUs: options.nowUs, updatedAtUs: options.nowUs },
        cases: options.cases,
        runner,
        context,
        renderWith: () => context,
        identicalArms: true,
        position: 1,
        passedBefore: 0,
        nowUs: options.nowUs,
        id: `aa-test-${repetition}`,
        actor: "aa-test",
        onProgress: tell,
      }),
    );
  }
  return reportOf(certificates, options.cases.length, agentRuns);
}

function settingsOf({
  alpha,
  minimumGain,
  passScore,
  confirmReplicates,
  maxRounds,
  concurrency,
  signal,
}: AaTestOptions): Partial<ValidateOptions> {
  const given = { alpha, minimumGain, passScore, confirmReplicates, maxRounds, concurrency, signal };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function reportOf(certificates: readonly Validation[], cases: number, agentRuns: number): AaReport {
  const count = (matches: (certificate: Validation) => boolean): number => certificates.filter(matches).length;
  const repetitions = certificates.length;
  const promotions = count(({ decision }) => decision === "pass");
  const interval = binomialInterval(promotions, repetitions, 0.05);
  const allowed = certificates[0]?.alphaAllotted ?? 0;
  const begun = count(({ pairs }) => pairs.length > 0);
  const scores = certificates.flatMap(({ pairs }) =>
    pairs.flatMap((pair) => [[pair.baselineScore, pair.candidateScore] as const, ...(pair.laterScores ?? [])]),
  );
  return {
    repetitions,
    cases,
    promotions,
    rate: promotions / repetitions,
    interval,
    allowed,
    verdict: begun === 0 ? "not-begun" : interval.lower > allowed ? "broken" : "held",
    regressions: count(({ pairs }) => pairs.some((pair) => pair.confirmedRegression)),
    wentUp: count(({ pairs }) => pairs.reduce((sum, pair) => sum + pair.candidateScore - pair.baselineScore, 0) > 0),
    flipped: scores.length === 0 ? 0 : scores.filter(([a, b]) => a !== b).length / scores.length,
    agentRuns,
    reason: certificates[0]?.reason ?? "",
  };
}

/** Stands where a candidate would. Its text reaches nobody. */
const NOTHING: KnowledgeItem = {
  id: "aa-test",
  type: "skill",
  content: "nothing",
  appliesWhen: "never",
  tags: [],
  priority: "normal",
  status: "candidate",
  sourceTraceIds: [],
  analyzer: "aa-test",
  confidence: 0,
  taint: [],
  fingerprint: "aa-test",
  createdAtUs: 0,
  updatedAtUs: 0,
  version: 1,
  counts: { given: 0, givenSuccess: 0, withheld: 0, withheldSuccess: 0 },
};
