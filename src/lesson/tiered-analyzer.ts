import { fromUnknown } from "../base/error.ts";
import { guardLesson } from "./guard.ts";
import type { Lesson } from "./lesson.ts";
import type { AnalysisResult, Analyzer, JudgedTrace } from "./ports.ts";
import { tasksOf } from "./propose.ts";

export interface TieredAnalyzerOptions {
  /** Cheap and certain first. */
  readonly tiers: readonly Analyzer[];
}

const NAME = "tiered";

type Unread = NonNullable<AnalysisResult["unread"]>;

/**
 * Asks one analyzer after the other, each about the failed runs that no earlier one explained, so that a model is paid only for what is left. A run is
 * explained by a lesson that names it and passes the guard. Runs that did not fail go to every tier: they are what failures are compared with. The
 * lesson says which tier answered. When a tier cannot run, what the others found holds, and the runs stay unread.
 */
export function createTieredAnalyzer({ tiers }: TieredAnalyzerOptions): Analyzer {
  return {
    name: NAME,
    analyze: async (traces, signal, surroundings) => {
      const lessons: Lesson[] = [];
      const refusals: AnalysisResult["refusals"][number][] = [];
      const unread: Unread[number][] = [];
      const explained = new Set<string>();
      for (const [index, tier] of tiers.entries()) {
        const left = traces.filter((judged) => !hasFailed(judged) || !explained.has(judged.trace.id));
        if (index > 0 && !left.some(hasFailed)) break;
        let result: AnalysisResult;
        try {
          result = await tier.analyze(left, signal, surroundings);
        } catch (caught) {
          if (signal?.aborted === true) throw caught;
          result = { lessons: [], refusals: [], failure: fromUnknown(caught, `analyzer ${tier.name}`) };
        }
        refusals.push(...result.refusals.map((refusal) => ({ ...refusal, reason: `${tier.name}: ${refusal.reason}` })));
        unread.push(...(result.unread ?? []));
        for (const lesson of result.lessons) {
          lessons.push({
            ...lesson,
            analyzer: `${NAME}:${tier.name}`,
            reasoning: `${lesson.reasoning} (tier ${index + 1} of ${tiers.length}, ${tier.name})`,
          });
          if (guardLesson(lesson, tasksOf(lesson, traces)) === undefined) for (const id of lesson.sourceTraceIds) explained.add(id);
        }
        // The next tier costs more; it is not asked in place of one that will answer again in a minute.
        if (result.failure !== undefined) return { lessons, refusals, failure: result.failure };
      }
      return { lessons, refusals, unread: stillUnread(unread, explained) };
    },
  };
}

function hasFailed({ outcome }: JudgedTrace): boolean {
  return outcome?.status === "failure";
}

/** Without the runs that another tier explained. */
function stillUnread(unread: Unread, explained: ReadonlySet<string>): Unread {
  return unread
    .map((entry) => ({ ...entry, traceIds: entry.traceIds.filter((id) => !explained.has(id)) }))
    .filter(({ traceIds }) => traceIds.length > 0);
}
