/** Replaces SQL text wherever the model would have written `from`. White space and case do not matter. */
export interface Rewrite {
  readonly from: string;
  readonly to: string;
}

/** What the model has been told, or found out in this conversation, about writing SQL for this database. Plain data. */
export interface Habits {
  /** Column name it would write -> name to write instead. */
  readonly renames: ReadonlyMap<string, string>;
  /** By column: compare with quoted text, or (an order as well) with bare numbers. */
  readonly comparison: ReadonlyMap<string, "text" | "number">;
  /** Applied to the finished SQL, in order. */
  readonly rewrites: readonly Rewrite[];
  /** Columns that no condition may use. */
  readonly ignored: ReadonlySet<string>;
  /** Conditions to add to every query: column and SQL pattern. */
  readonly extra: readonly { readonly column: string; readonly pattern: string }[];
}

export const NO_HABITS: Habits = { renames: new Map(), comparison: new Map(), rewrites: [], ignored: new Set(), extra: [] };

/** How the model takes the year of a date before it knows better. */
export const NAIVE_YEAR = "strftime('%Y', race_date)";
/** Its next idea, when the naive one finds nothing. */
export const SECOND_YEAR = "substr(race_date, 8, 4)";

/** Both together; where they disagree, `stronger` counts. */
export function joinHabits(weaker: Habits, stronger: Habits): Habits {
  return {
    renames: new Map([...weaker.renames, ...stronger.renames]),
    comparison: new Map([...weaker.comparison, ...stronger.comparison]),
    rewrites: [...weaker.rewrites, ...stronger.rewrites],
    ignored: new Set([...weaker.ignored, ...stronger.ignored]),
    extra: [...weaker.extra, ...stronger.extra],
  };
}
