import { shortId } from "../base/id.ts";
import { isStopWord } from "../base/search-words.ts";
import { tokenSet } from "../base/similarity.ts";
import type { EvalCase } from "../evaluation/evaluation.ts";
import { type KnowledgeItem, SCOPE_FIELDS, scopeOf } from "../knowledge/knowledge-item.ts";
import { createAnswerCheck } from "../lesson/copies-answer.ts";
import type { Lesson } from "../lesson/lesson.ts";
import type { JudgedTrace } from "../lesson/ports.ts";
import { stripTrace } from "../lesson/strip-knowledge.ts";

/** The lesson as it may be proposed, or why it may not. */
export type Sieve = (lesson: Lesson, offered: readonly JudgedTrace[]) => Lesson | string;

/**
 * Holds back what the loop would only tell itself: a lesson that copies an expected answer, and one that says what an item says already in the runs that
 * were given that item. Words that are known otherwise become one more sighting of the item.
 */
export function createSieve(items: readonly KnowledgeItem[], cases: readonly EvalCase[]): Sieve {
  const copied = createAnswerCheck(cases.flatMap(({ task, expected }) => (expected === undefined ? [] : [{ task, expected }])));
  const bySaying = new Map<string, KnowledgeItem[]>();
  for (const item of items) {
    if (item.status === "archived") continue;
    const saying = sayingOf(item.content);
    bySaying.set(saying, [...(bySaying.get(saying) ?? []), item]);
  }
  const byId = new Map(items.map((item) => [item.id, item]));
  return (lesson, offered) => {
    const runs = offered.filter(({ trace }) => lesson.sourceTraceIds.includes(trace.id));
    const reason = copied(lesson, () => runs.flatMap(textsOf));
    if (reason !== undefined) return reason;
    // Items that everybody is given whom the lesson is for.
    const same = (bySaying.get(sayingOf(lesson.content)) ?? []).filter(
      (item) =>
        item.id !== lesson.revises && SCOPE_FIELDS.every((field) => item[field] === undefined || item[field] === scopeOf(lesson)[field]),
    );
    const echoed = new Set(runs.filter(({ trace }) => same.some(({ id }) => wasGiven(trace, id))).map(({ trace }) => trace.id));
    const sourceTraceIds = lesson.sourceTraceIds.filter((id) => !echoed.has(id));
    const [known] = same;
    if (known !== undefined && sourceTraceIds.length === 0)
      return `item ${shortId(known.id)} says the same and was given in every run that shows it, so it is no new support`;
    const sameScope = same.find((item) => SCOPE_FIELDS.every((field) => item[field] === scopeOf(lesson)[field]));
    const { revises, ...rest } = lesson;
    return {
      ...rest,
      sourceTraceIds,
      fingerprint: sameScope?.fingerprint ?? lesson.fingerprint,
      ...(revises === undefined || !mayRevise(lesson, byId.get(revises)) ? {} : { revises }),
    };
  };
}

/** What one tenant's runs show takes nothing out of use for the others; it stands beside, and the conflict is a person's to settle. */
function mayRevise(lesson: Lesson, old: KnowledgeItem | undefined): boolean {
  return old === undefined || lesson.tenant === undefined || old.tenant === lesson.tenant;
}

function wasGiven({ exposure }: JudgedTrace["trace"], id: string): boolean {
  if (exposure === undefined) return false;
  const { given, listed = [], canary } = exposure;
  return given.includes(id) || listed.includes(id) || (canary?.member === true && canary.ids.includes(id));
}

/** Everything of a run but its verdict, which may quote what was expected. */
function textsOf(judged: JudgedTrace): readonly string[] {
  const { trace } = stripTrace(judged);
  return [trace.task, trace.output, ...trace.steps.flatMap(({ input, output, error }) => [input, output, error?.message ?? ""])];
}

/** Little words that turn a rule round. */
const TURNS: ReadonlySet<string> = new Set(["not", "no", "never", "only", "without", "cannot", "nor", "before", "after", "than"]);

/**
 * Equal for texts of the same words, but for small ones, endings and order. A share of common words will not do: two rules of twenty words that name another column share
 * nine tenths, and one of them would be lost as a sighting of the other.
 */
export function sayingOf(text: string): string {
  const words = [...tokenSet(text)].filter((word) => TURNS.has(word) || !isStopWord(word));
  return [...new Set(words.map(withoutEnding))].sort().join(" ");
}

function withoutEnding(word: string): string {
  const rest = word.replace(/(?:ing|es|ed|s|e|d)$/, "");
  return rest.length >= 4 ? rest : word;
}
