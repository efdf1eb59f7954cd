import type { TimeUs } from "../base/clock.ts";
import { LearnError } from "../base/error.ts";
import { digest } from "../base/id.ts";
import { decide, figuresOf, GATE_RULE, passes } from "./decide.ts";
import { contentDigest } from "./evidence.ts";
import type { GateSettings, GateState } from "./gate-state.ts";
import type { KnowledgeItem, Validation } from "./knowledge-item.ts";
import { excludeOwnTasks } from "./own-tasks.ts";
import type { AgentRunner, BaselineCache, ValidationCase, ValidationProgress } from "./ports.ts";
import { shouldStop } from "./reach.ts";
import { createTrial } from "./trial.ts";

export interface ValidateOptions {
  readonly item: KnowledgeItem;
  readonly cases: readonly ValidationCase[];
  /** Tasks of the runs the item was read from; cases that repeat one are left out. Default none. */
  readonly sourceTasks?: readonly string[];
  readonly runner: AgentRunner;
  /** Text of the knowledge that is already active; in the prompt on both sides. */
  readonly context: string;
  /** The exact prompt text with the candidate in it. */
  renderWith(item: KnowledgeItem): string;
  /** Shared by candidates tested with the same runner, cases and context; filled by the first of them. */
  readonly baseline?: BaselineCache;
  /** Error budget of the whole stream of tests. Default 0.05. */
  readonly alpha?: number;
  /** 1-based position in the stream, and how many tests before it passed. A test that ends "inconclusive" over a fresh baseline spends its position too:
   *  waiting, unpaid, for a baseline that fails by luck would let luck in. */
  readonly position: number;
  readonly passedBefore: number;
  /** Least mean score gain, in score units. Default 0.05. */
  readonly minimumGain?: number;
  /** From this score on a case counts as passed. Default 0.7. */
  readonly passScore?: number;
  /** Most rounds in which every case is run on both sides. Default 16. One round is enough for an agent that always answers the same. */
  readonly maxRounds?: number;
  /**
   * Most repetitions, on both sides, of a case that was lost. Default 11. It is repeated until chance is an unlikely explanation (5 % over all cases) or a likely
   * one. With fewer than that can take, a loss that all of them repeat is a regression; with 0 any loss is.
   */
  readonly confirmReplicates?: number;
  /** Cases that run at once. Default 4. */
  readonly concurrency?: number;
  readonly nowUs: TimeUs;
  readonly id: string;
  readonly actor: string;
  /** Draws which side of a pair runs first. Default the id. */
  readonly seed?: string;
  /** Kept on the certificate. */
  readonly packageVersion?: string;
  /** Lets both sides be the same, to measure the gate itself; see aa-test.ts. */
  readonly identicalArms?: boolean;
  /** Name of the model or the runner, kept on the certificate. */
  readonly runnerName?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: ValidationProgress) => void;
}

/** An empty baseline for one runner, one set of cases and one text of active knowledge. */
export function createBaselineCache(context: string): BaselineCache {
  return { context, byCaseId: new Map() };
}

/**
 * Tests a candidate: every case with and without it, the same runner, the active knowledge on both sides. Resolves with a certificate, also for a refusal.
 * Rejects "invalid" for arguments that cannot be tested and "cancelled" on abort; a runner that throws scores 0 in that case and is noted on the pair.
 * Rejects "unavailable" when every run with and without the item ended in an error: that says something about the runner, and nothing about the item.
 *
 * Round 1 compares with a baseline that all candidates of a cycle share. If even mending every failing case could not reach the threshold, no candidate run
 * is paid for. Cases that fail today run by turns with cases that pass: a useless candidate is given up for want of wins, and a harmful one is told apart from
 * it by then. That order follows the results of the baseline, and is harmless only because nothing passes before its round is complete. Lost cases are
 * repeated at once. Then whole rounds of fresh pairs follow, whichever side first by a coin that the seed tosses, until the evidence is there, out of reach, or
 * the rounds are spent. The rounds of a shared baseline tie candidates to each other, which the error budget allows (see online-level.ts), and nothing to itself.
 */
export async function validate(options: ValidateOptions): Promise<Validation> {
  const { item, context, position, passedBefore } = options;
  const settings: GateSettings = {
    alpha: options.alpha ?? 0.05,
    position,
    passedBefore,
    minimumGain: options.minimumGain ?? 0.05,
    passScore: options.passScore ?? 0.7,
    maxRounds: options.maxRounds ?? 16,
    confirmReplicates: options.confirmReplicates ?? 11,
  };
  const cases = excludeOwnTasks(options.cases, options.sourceTasks ?? []);
  const prompt = options.renderWith(item);
  assertTestable(options, settings, prompt);
  const seed = options.seed ?? options.id;
  const trial = createTrial(
    { ...options, ...settings, concurrency: options.concurrency ?? 4, cases, prompt, seed },
    options.baseline ?? createBaselineCache(context),
  );
  await trial.runBaseline();
  const done = (state: GateState): boolean => passes(state) || shouldStop(state);
  const start = trial.state();
  if (start.gainCeiling >= settings.minimumGain && !shouldStop(start)) {
    await trial.runFirstRound();
    while (!done(trial.state())) await trial.runRound();
  }
  trial.assertRan();
  const state = trial.state();
  const { confirmed: _confirmed, mustPassLost: _lost, ...figures } = figuresOf(state);
  const { decision, reason } = decide(state);
  const left = options.cases.length - cases.length;
  const leftOut = left === 0 ? "" : `; ${left} ${left === 1 ? "case was" : "cases were"} left out as the item's own`;
  return {
    id: options.id,
    itemId: item.id,
    kind: "statistical",
    decision,
    reason: `${reason}${trial.remark()}${leftOut}`,
    actor: options.actor,
    createdAtUs: options.nowUs,
    ...state,
    ...figures,
    contentDigest: contentDigest(item),
    rule: GATE_RULE,
    seed,
    agentRuns: trial.agentRuns(),
    promptDigests: [digest([context]), digest([prompt])],
    ...(options.packageVersion === undefined ? {} : { packageVersion: options.packageVersion }),
    ...(options.runnerName === undefined ? {} : { runner: options.runnerName }),
  };
}

function assertTestable(options: ValidateOptions, settings: GateSettings, prompt: string): void {
  const ids = new Set(options.cases.map((one) => one.id));
  if (ids.size < options.cases.length) throw new LearnError("invalid", `two of the ${options.cases.length} cases have the same id`);
  if (!(settings.passScore > 0 && settings.passScore <= 1)) {
    throw new LearnError("invalid", `passScore is ${settings.passScore}, it must be above 0 and at most 1`);
  }
  if (!(settings.minimumGain >= 0 && settings.minimumGain <= 1)) {
    throw new LearnError("invalid", `minimumGain is ${settings.minimumGain}, it must be from 0 to 1`);
  }
  const { confirmReplicates, maxRounds } = settings;
  if (!Number.isSafeInteger(confirmReplicates) || confirmReplicates < 0) {
    throw new LearnError("invalid", `confirmReplicates is ${confirmReplicates}, it must be a whole number from 0`);
  }
  if (!Number.isSafeInteger(maxRounds) || maxRounds < 1 || maxRounds > 1_000) {
    throw new LearnError("invalid", `maxRounds is ${maxRounds}, it must be a whole number from 1 to 1000`);
  }
  if (prompt === options.context && options.identicalArms !== true) {
    throw new LearnError("invalid", `the prompt text with item ${options.item.id} is the same as without it, so there is nothing to test`, {
      hint: "let renderWith return the text with the candidate in it",
    });
  }
  if (options.baseline !== undefined && options.baseline.context !== options.context) {
    throw new LearnError("invalid", "the shared baseline was made with another text of active knowledge", { hint: "start a new baseline" });
  }
}
