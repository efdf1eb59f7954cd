import { type Habits, NAIVE_YEAR, NO_HABITS, SECOND_YEAR } from "./habits.ts";
import type { Question } from "./question-reading.ts";

/** One call of the tool in this conversation. */
export interface Attempt {
  readonly sql: string;
  readonly result: string;
}

export interface Insight {
  readonly habits: Habits;
  /** Column names the database does not have. */
  readonly unknownColumns: readonly string[];
}

const NOTHING: Insight = { habits: NO_HABITS, unknownColumns: [] };

export function isFailure(result: string): boolean {
  return /^\s*error\b/i.test(result);
}

/** The one mistake that an error's words point at. `told` are the rules of the prompt: what they order is not doubted. */
export function learnFromError(attempt: Attempt, question: Question, told: Habits): Insight {
  if (!isFailure(attempt.result)) return NOTHING;
  const column = /no such column:\s*(?:\w+\.)?(\w+)/i.exec(attempt.result)?.[1];
  if (column !== undefined) return { habits: NO_HABITS, unknownColumns: [column] };
  if (!/\bno rows\b/i.test(attempt.result) || question.kind === "count" || question.kind === "sum" || question.kind === "ever")
    return NOTHING;
  return { habits: doubtValue(attempt.sql, told) ?? doubtDate(attempt.sql) ?? NO_HABITS, unknownColumns: [] };
}

/** The row must be there, so perhaps the number is kept as text. */
function doubtValue(sql: string, told: Habits): Habits | undefined {
  for (const match of sql.matchAll(/\b(\w+)\s*(?:=|<=)\s*\d+\b/g)) {
    const column = match[1] ?? "";
    if (told.comparison.get(column) === undefined) return { ...NO_HABITS, comparison: new Map([[column, "text"]]) };
  }
  return undefined;
}

/** The row must be there, so perhaps the date is not in a form that date functions read. */
function doubtDate(sql: string): Habits | undefined {
  return sql.includes(NAIVE_YEAR) ? { ...NO_HABITS, rewrites: [{ from: NAIVE_YEAR, to: SECOND_YEAR }] } : undefined;
}
