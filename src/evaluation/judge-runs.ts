import { isLearnError, messageOf } from "../base/error.ts";
import { mapLimited } from "../base/map-limited.ts";
import { isBadOutput } from "../llm/client.ts";
import type { LlmJudge } from "../outcome/llm-judge.ts";
import { signTest } from "../stats/sign-test.ts";
import type { EvalCase, EvalResult, EvalRun } from "./evaluation.ts";

export interface JudgeRunsOptions {
  /** Asks both orders; see `LlmJudge`. */
  readonly judge: Pick<LlmJudge, "compare">;
  /** What is known of the cases; a result whose case is gone has nothing that says what is right. */
  readonly cases: readonly EvalCase[];
  /** open (default): only cases that expect no answer word for word, which is what scores can't tell. all: every common case. */
  readonly which?: "open" | "all";
  /** Pairs of answers that are compared at once. Default 4. */
  readonly concurrency?: number;
  readonly signal?: AbortSignal;
}

/** Two answers to one case. */
export interface JudgedPair {
  readonly caseId: string;
  readonly task: string;
  readonly better: "a" | "b" | "tie";
  /** False where the model changed its mind with the order: it judged the place, so it is a tie, and one to look at. */
  readonly agreed: boolean;
  readonly reasoning: string;
}

/** What a model says of the answers of two runs. */
export interface JudgedRuns {
  readonly which: "open" | "all";
  readonly pairs: readonly JudgedPair[];
  readonly betterInA: number;
  readonly betterInB: number;
  readonly ties: number;
  /** Ties because of the order alone; they are among `ties`. */
  readonly disagreed: number;
  /** Exact one-sided p of the sign test that the answers of b are better; ties say nothing. */
  readonly p: number;
  /** Pairs that the model gave no usable answer about. They count nowhere. */
  readonly unjudged: readonly { readonly caseId: string; readonly reason: string }[];
  /** Set where judge and agent are of one family: judges favour their own. */
  readonly family?: string;
}

/**
 * Compares the answers of two runs to the same cases. Asks no model where nothing is to be asked: the same answer twice is a tie, and one that says nothing, or that
 * the agent failed to give, is worse than one that says something. Rejects when the model can't be asked, and "cancelled" on abort.
 */
export async function judgeRuns(a: EvalRun, b: EvalRun, options: JudgeRunsOptions): Promise<JudgedRuns> {
  const { cases, which = "open", concurrency = 4, signal } = options;
  const caseOf = new Map(cases.map((entry) => [entry.id, entry]));
  const other = new Map(b.results.map((result) => [result.caseId, result]));
  const common = a.results.flatMap((one): (readonly [EvalResult, EvalResult])[] => {
    const against = other.get(one.caseId);
    const isMeant = which === "all" || caseOf.get(one.caseId)?.expected === undefined;
    return against !== undefined && isMeant ? [[one, against]] : [];
  });
  const judged = await mapLimited(common, concurrency, (pair) => judgePair(pair, caseOf.get(pair[0].caseId), options), signal);
  const pairs = judged.flatMap((one) => ("better" in one ? [one] : []));
  const count = (better: JudgedPair["better"]): number => pairs.filter((pair) => pair.better === better).length;
  return {
    which,
    pairs,
    betterInA: count("a"),
    betterInB: count("b"),
    ties: count("tie"),
    disagreed: pairs.filter(({ agreed }) => !agreed).length,
    p: signTest(count("b"), count("a")),
    unjudged: judged.flatMap((one) => ("better" in one ? [] : [one])),
  };
}

async function judgePair(
  [one, against]: readonly [EvalResult, EvalResult],
  entry: EvalCase | undefined,
  { judge, signal }: JudgeRunsOptions,
): Promise<JudgedPair | JudgedRuns["unjudged"][number]> {
  const { caseId, task } = one;
  const pair = (better: JudgedPair["better"], reasoning: string, agreed = true): JudgedPair => ({
    caseId,
    task,
    better,
    agreed,
    reasoning,
  });
  const [first, second] = [one.output.trim(), against.output.trim()];
  if (first === second) return pair("tie", first === "" ? "neither says anything" : "the same answer twice");
  if (first === "" || second === "") return pair(first === "" ? "b" : "a", "the other says nothing");
  try {
    const { better, agreed, reasoning } = await judge.compare(
      {
        ...{ task, first, second },
        ...(entry?.expected === undefined ? {} : { expected: entry.expected }),
        ...(entry?.judgePrompt === undefined ? {} : { judgePrompt: entry.judgePrompt }),
      },
      signal,
    );
    return pair(better === "tie" ? "tie" : better === "first" ? "a" : "b", reasoning, agreed);
  } catch (caught) {
    if (!isLearnError(caught) || !isBadOutput(caught)) throw caught;
    return { caseId, reason: messageOf(caught) };
  }
}
