import type { Clock } from "../base/clock.ts";
import { isLearnError } from "../base/error.ts";
import { newId } from "../base/id.ts";
import { packageVersion } from "../base/package-version.ts";
import { render } from "../injection/render.ts";
import type { Activation } from "../knowledge/guards/by-evidence.ts";
import { guardRecordOf } from "../knowledge/guards/guard-record.ts";
import type { HumanInLoopValidator } from "../knowledge/human-validator.ts";
import { injectable } from "../knowledge/injectable.ts";
import type { KnowledgeItem, Validation } from "../knowledge/knowledge-item.ts";
import { excludeOwnTasks } from "../knowledge/own-tasks.ts";
import type { AgentRunner, BaselineCache, ValidationCase, Validator, ValidatorContext } from "../knowledge/ports.ts";
import { createStatisticalValidator, type StatisticalValidatorOptions } from "../knowledge/statistical-validator.ts";
import { beside, casesFor } from "../knowledge/test-bed.ts";
import { createBaselineCache } from "../knowledge/validate.ts";
import type { Store } from "../store/ports.ts";
import { askPerson } from "./ask-person.ts";
import { recordGuards } from "./guard-report.ts";
import type { LearnProgress, LearnReport } from "./ports.ts";
import { holdQuarantined } from "./quarantine.ts";
import { createSafetyCheck } from "./safety-check.ts";
import { nextPlace, settle } from "./settle.ts";
import { type SourceRuns, sourceRunsOf, tasksOf } from "./source-runs.ts";
import { findLeaks, renderWith, replacedWith, withoutLeaks } from "./without-leaks.ts";

export interface TestOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** Without a runner nothing can be tested: lessons become candidates and wait for a person. */
  readonly runner?: AgentRunner;
  /** The agent that the runner runs. Items of other agents are not tested with it. Absent: whatever the items name. */
  readonly agentName?: string;
  readonly cases?: readonly ValidationCase[];
  /** Asked of every set before an item of it becomes active, beside the cases tagged so; see shipped-safety-cases.ts. None by default. */
  readonly safetyCases?: readonly ValidationCase[];
  /** Why nothing may be tested although there are a runner and cases; a sentence fragment. */
  readonly obstacle?: string;
  /** "approval": a person must say so. Otherwise a candidate that passes its test becomes active, as far as the guards let it; see by-evidence.ts. */
  readonly activation: Activation;
  readonly alpha: number;
  readonly minimumGain: number;
  readonly passScore: number;
  readonly concurrency: number;
  readonly confirmReplicates: number;
  /** Default 16. */
  readonly maxRounds?: number;
  /** Name of the model or the runner, kept on the certificates. */
  readonly runnerName?: string;
  /** Asked about every item that waits for a person, at the end. Without it they wait in the queue. */
  readonly human?: HumanInLoopValidator;
  readonly onProgress?: (progress: LearnProgress) => void;
  readonly signal?: AbortSignal;
}

type Decision = LearnReport["decisions"][number];

interface Due {
  readonly item: KnowledgeItem;
  readonly sources: SourceRuns;
}

/** Tests every candidate that is due, and says for each what came of it or what is missing. Rejects "cancelled" on abort; what was decided by then is stored. */
export async function testCandidates(
  options: TestOptions,
  actor: string,
  tell: (progress: LearnProgress) => void,
): Promise<readonly Decision[]> {
  const decisions = await testAll(options, actor, tell);
  const { human } = options;
  if (human === undefined) return decisions;
  const answered: Decision[] = [];
  for (const [index, decision] of decisions.entries()) {
    tell({ phase: "validate", done: index, total: decisions.length, detail: "asking a person" });
    answered.push(await askPerson({ ...options, human, safety: createSafetyCheck(options) }, decision));
  }
  return answered;
}

async function testAll(options: TestOptions, actor: string, tell: (progress: LearnProgress) => void): Promise<readonly Decision[]> {
  const { store, runner, agentName, cases = [] } = options;
  const undecided = await allRecorded(store, (await store.listKnowledge({ status: "candidate", limit: 1_000 })).filter(isUndecided));
  const obstacle = obstacleOf(options);
  if (runner === undefined || obstacle !== undefined) return undecided.map((item) => notTested(item, obstacle ?? ""));
  const candidates = await due(store, undecided, cases);
  const isOwn = (item: KnowledgeItem): boolean => agentName === undefined || (item.agentName ?? agentName) === agentName;
  // What is active now stands on both sides of every test of this cycle, as far as a prompt can hold it with the candidate; promotions take effect at its end.
  const active = (await store.listKnowledge({ status: "active", limit: 1_000 })).filter(isOwn).flatMap((item) => injectable(item) ?? []);
  const baselines = new Map<string, BaselineCache>();
  const leaks = candidates.length === 0 ? new Map() : await findLeaks(store, active, cases);
  const settings: Omit<StatisticalValidatorOptions, "runner"> = {
    alpha: options.alpha,
    minimumGain: options.minimumGain,
    passScore: options.passScore,
    concurrency: options.concurrency,
    confirmReplicates: options.confirmReplicates,
    ...(options.maxRounds === undefined ? {} : { maxRounds: options.maxRounds }),
    ...(options.runnerName === undefined ? {} : { runnerName: options.runnerName }),
    packageVersion: packageVersion(),
    actor,
  };
  const decisions: Decision[] = [];
  let broken: string | undefined;
  for (const [index, { item, sources }] of candidates.entries()) {
    const unfit = isOwn(item) ? unreadable(sources) : `it is of agent ${item.agentName}, and this learner runs ${agentName}`;
    if (unfit !== undefined || broken !== undefined) {
      decisions.push(notTested(item, unfit ?? broken ?? ""));
      continue;
    }
    const quarantined = await holdQuarantined(options, item, sources, actor);
    if (quarantined !== undefined) {
      decisions.push(quarantined);
      continue;
    }
    const others = beside(item, active);
    const context = render(others);
    const baseline = baselines.get(context) ?? createBaselineCache(context);
    baselines.set(context, baseline);
    const replaces = await replacedWith(store, item);
    const own = withoutLeaks(runner, leaks, { active: others, context, candidate: item, replaces });
    const tested = await attempt(
      createStatisticalValidator({ ...settings, runner: own }),
      item,
      {
        cases: casesFor(item, cases),
        sourceTasks: tasksOf(sources),
        context,
        renderWith: (candidate) => renderWith(others, candidate, replaces),
        baseline,
        ...(await nextPlace(store)),
        nowUs: options.clock.nowUs(),
        id: newId(),
        onProgress: ({ done, total, round }) => {
          const detail = `candidate ${index + 1} of ${candidates.length}${round === undefined ? "" : `, round ${round}`}`;
          tell({ phase: "validate", done, total, detail });
        },
      },
      options.signal,
    );
    if (typeof tested === "string") broken = tested;
    decisions.push(
      typeof tested === "string"
        ? notTested(item, tested)
        : await settle({ ...options, actor, testSet: createSafetyCheck(options) }, item, tested),
    );
  }
  return decisions;
}

/** Every candidate says what the guards say of it, also one from before there was a record, or whose words were changed past the desk. */
async function allRecorded(store: Store, items: readonly KnowledgeItem[]): Promise<readonly KnowledgeItem[]> {
  const recorded: KnowledgeItem[] = [];
  for (const item of items) recorded.push(guardRecordOf(item) === undefined ? await recordGuards(store, item) : item);
  return recorded;
}

/** The certificate, or why the runner could not be used at all: then nothing is spent, and nothing is held against the item. */
async function attempt(
  validator: Validator,
  item: KnowledgeItem,
  context: ValidatorContext,
  signal: AbortSignal | undefined,
): Promise<Validation | string> {
  try {
    return (await validator.validate(item, context, signal)) ?? "there are no eval cases";
  } catch (caught) {
    if (isLearnError(caught) && caught.code === "unavailable") return caught.message;
    throw caught;
  }
}

function obstacleOf({ runner, cases = [], obstacle }: TestOptions): string | undefined {
  if (runner === undefined) return "needs an agent runner (setAgentRunner, or --agent)";
  return obstacle ?? (cases.length === 0 ? "needs eval cases (learn.eval.add)" : undefined);
}

function unreadable({ missing }: SourceRuns): string | undefined {
  if (missing.length === 0) return undefined;
  return `${missing.length} of the runs it was read from can't be found, so its own tasks can't be told from the eval cases`;
}

function notTested(item: KnowledgeItem, reason: string): Decision {
  return { item, next: `not tested: ${reason}; or \`agentlearn knowledge approve ${item.id.slice(0, 8)} --reason ...\`` };
}

/**
 * A candidate is tested once per text. One that could not be decided is tested again only when the number of its held-out cases changed: every test,
 * also an undecided one, spends a position of the stream, so repeating it in vain would make all later tests harder. Best supported first.
 */
async function due(store: Store, undecided: readonly KnowledgeItem[], cases: readonly ValidationCase[]): Promise<readonly Due[]> {
  const found: Due[] = [];
  for (const item of undecided) {
    const sources = await sourceRunsOf(store, item.sourceTraceIds);
    // The certificate counts the cases without the item's own; all of them would always be another number.
    const tested = item.validation?.cases === excludeOwnTasks(casesFor(item, cases), tasksOf(sources)).length;
    if (!tested) found.push({ item, sources });
  }
  return found.sort(({ item: a }, { item: b }) => b.sourceTraceIds.length - a.sourceTraceIds.length || a.createdAtUs - b.createdAtUs);
}

function isUndecided({ validation }: KnowledgeItem): boolean {
  return validation === undefined || validation.decision === "inconclusive";
}
