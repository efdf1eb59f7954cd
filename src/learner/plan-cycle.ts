import { byTenant, type LessonScope } from "../lesson/lesson-scope.ts";
import type { JudgedTrace } from "../lesson/ports.ts";
import { llmAnalyzerSystem, llmAnalyzerUser } from "../lesson/prompts/llm-analyzer.ts";
import { renderRun } from "../lesson/render-run.ts";
import { stripTrace } from "../lesson/strip-knowledge.ts";
import { type Prices, usdOf } from "../llm/prices.ts";
import type { Spending, SpendLimits, Store } from "../store/ports.ts";

export interface PlanOptions {
  readonly store: Pick<Store, "unanalyzed" | "keptFor" | "listKnowledge" | "spending" | "unfinishedCycle">;
  /** The model that would be asked; absent where none is configured. */
  readonly model?: string;
  /** By whom, see the setting `analyzer`: what it left for later is read too. Default "llm". */
  readonly analyzer?: string;
  readonly limits: SpendLimits;
  readonly prices: Prices;
  readonly cases: number;
  /** See the setting. Default "narrow". */
  readonly lessonScope?: LessonScope;
  /** Why no candidate would be tested. */
  readonly obstacle?: string;
  /** Failed runs of one tenant that are read in one cycle. Default 20. */
  readonly maxTraces?: number;
}

/** What a learn cycle would do now. Tokens and USD are estimates from the length of the texts, at 4 characters a token. */
export interface LearnPlan {
  /** A cycle that was begun and not ended; learning goes on with it. */
  readonly resumes?: string;
  readonly traces: number;
  readonly failures: number;
  /** Absent where no model is configured: then the runs are mined without. */
  readonly model?: string;
  /** Failed runs that the model would read, each in one call, and those that wait for the next cycle. */
  readonly calls: number;
  readonly later: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Absent where the price of the model is not known. */
  readonly usd?: number;
  /** Untested candidates by now; those that the cycle finds come on top. */
  readonly candidates: number;
  /** Runs of the agent for these, at least: both sides of each case once. 0 where none can be tested. */
  readonly agentRuns: number;
  /** Why not. */
  readonly obstacle?: string;
  readonly limits: SpendLimits;
  readonly spentToday: Spending;
}

const ANSWER_TOKENS = 300;
const MAX_RUN_TOKENS = 8_000;
const CHARACTERS_A_TOKEN = 4;

/** Reads what is assembled; writes nothing and asks no model. */
export async function planCycle(options: PlanOptions): Promise<LearnPlan> {
  const { store, model, limits, prices, analyzer = "llm", maxTraces = 20, obstacle } = options;
  const fresh = await store.unanalyzed(1_000, model === undefined ? "background" : "full");
  const isFresh = new Set(fresh.map(({ trace }) => trace.id));
  const kept = model === undefined ? [] : await store.keptFor(analyzer, 1_000);
  const traces = [...fresh, ...kept.filter(({ trace, kept: until }) => until === "next" && !isFresh.has(trace.id))];
  const failed = traces.filter(({ outcome }) => outcome?.status === "failure");
  // An analyzer is asked about each tenant's runs apart, and takes so many of each.
  const { groups, mixed } = byTenant(failed, options.lessonScope ?? "narrow");
  const read = model === undefined ? [] : groups.flatMap(({ runs }) => runs.slice(0, maxTraces));
  const inputTokens = read.reduce((sum, run) => sum + promptTokens(run), 0);
  const outputTokens = read.length * ANSWER_TOKENS;
  const usd = model === undefined ? 0 : usdOf(prices.get(model), inputTokens, outputTokens);
  const candidates = (await store.listKnowledge({ status: "candidate", limit: 1_000 })).filter(
    ({ validation }) => validation === undefined,
  );
  const unfinished = await store.unfinishedCycle();
  return {
    ...(unfinished === undefined ? {} : { resumes: unfinished.id }),
    traces: traces.length,
    failures: failed.length,
    ...(model === undefined ? {} : { model }),
    calls: read.length,
    later: model === undefined ? 0 : failed.length - mixed.length - read.length,
    inputTokens,
    outputTokens,
    ...(usd === undefined ? {} : { usd }),
    candidates: candidates.length,
    agentRuns: obstacle === undefined && candidates.length > 0 ? options.cases * (1 + candidates.length) : 0,
    ...(obstacle === undefined ? {} : { obstacle }),
    limits,
    spentToday: await store.spending("today"),
  };
}

function promptTokens(judged: JudgedTrace): number {
  const text = llmAnalyzerSystem("") + llmAnalyzerUser("", renderRun(stripTrace(judged), MAX_RUN_TOKENS).text, []);
  return Math.ceil(text.length / CHARACTERS_A_TOKEN);
}
