/** What a question can be about. Column names are another matter: see query-writing.ts. */
export type Concept = "driver" | "team" | "circuit" | "date" | "position" | "grid" | "laps" | "points";

export type Filter =
  | { readonly concept: Concept; readonly operator: "=" | "<="; readonly value: string | number }
  | { readonly concept: "date"; readonly operator: "in-year"; readonly value: string };

/**
 * count, sum and ever allow for nothing: zero is an answer. lookup and most presuppose that there is one:
 * only there does an empty result make a reader doubt the query.
 */
export type QuestionKind = "count" | "sum" | "ever" | "lookup" | "most";

export interface Question {
  readonly kind: QuestionKind;
  /** What is counted, summed up or named. `rows` and `races` are counts. */
  readonly wanted: Concept | "rows" | "races";
  /** What decides a `most`: points are summed up, rows counted. */
  readonly by?: "points" | "rows";
  readonly filters: readonly Filter[];
}

// A name is a run of capitalised words; which kind of name it is follows from the word before it.
const NAME = String.raw`(\p{Lu}[\p{L}'-]*(?: \p{Lu}[\p{L}'-]*)*)`;
const DATE = /\b(\d{2} [A-Z][a-z]{2} \d{4})\b/;
const YEAR = /\b(?:in|during|of|for) (?:the )?(?:year |season )?(\d{4})\b|\b(\d{4}) season\b/;
const CIRCUIT = new RegExp(String.raw`\bat ${NAME}`, "u");
const TEAM = new RegExp(String.raw`\b(?:for|team|teams) ${NAME}`, "u");
const DRIVER = new RegExp(String.raw`\b(?:[Dd]id|does|has|had|was|is|by|[Dd]river) (?!the\b)${NAME}`, "u");
const WIN = /\b(?:wins?|won|winner|winning|victor(?:y|ies))\b/i;
const PODIUM = /\bpodiums?\b/i;
const RETIRED = /\bretire(?:s|d|ments?)?\b/i;
const TOP = /\btop (\d+)\b/i;
const GRID = /\b(?:grid position|grid slot) (\d+)\b/i;

/** Reads a question by its words. Undefined when it does not ask about race results. */
export function readQuestion(text: string): Question | undefined {
  const asked = readAsked(text);
  return asked === undefined ? undefined : { ...asked, filters: readFilters(text) };
}

function readAsked(text: string): Omit<Question, "filters"> | undefined {
  if (/\bhow many\b|\bnumber of\b/i.test(text)) {
    const noun = /\b(?:how many|number of) (\w+)/i.exec(text)?.[1]?.toLowerCase();
    if (noun === "points" || noun === "laps") return { kind: "sum", wanted: noun };
    return { kind: "count", wanted: noun === "races" ? "races" : "rows" };
  }
  if (/^\s*(?:did|has|have|was|were)\b/i.test(text)) return { kind: "ever", wanted: "rows" };
  const wanted = readWanted(text);
  if (wanted === undefined) return undefined;
  const most = /\bmost (\w+)/i.exec(text)?.[1]?.toLowerCase();
  if (most !== undefined) return { kind: "most", wanted, by: most === "points" ? "points" : "rows" };
  return { kind: "lookup", wanted };
}

function readWanted(text: string): Concept | undefined {
  if (/\b(?:which|what) (?:grid position|grid slot)\b/i.test(text)) return "grid";
  if (/\bwho\b|\b(?:which|what) driver\b/i.test(text)) return "driver";
  if (/\b(?:which|what) team\b/i.test(text)) return "team";
  if (/\bwhere\b|\b(?:which|what) circuit\b/i.test(text)) return "circuit";
  if (/\bwhen\b|\b(?:which|what) (?:date|day)\b/i.test(text)) return "date";
  if (/\blaps?\b|\blap count\b/i.test(text)) return "laps";
  return undefined;
}

function readFilters(text: string): readonly Filter[] {
  const filters: Filter[] = [];
  const equals = (concept: Concept, value: string | number | undefined): void => {
    if (value !== undefined) filters.push({ concept, operator: "=", value });
  };
  equals("driver", DRIVER.exec(text)?.[1]);
  equals("team", TEAM.exec(text)?.[1]);
  if (WIN.test(text)) equals("position", 1);
  else if (PODIUM.test(text)) filters.push({ concept: "position", operator: "<=", value: 3 });
  else if (TOP.test(text)) filters.push({ concept: "position", operator: "<=", value: Number(TOP.exec(text)?.[1]) });
  else if (RETIRED.test(text)) equals("position", "Ret");
  const grid = GRID.exec(text)?.[1];
  if (grid !== undefined) equals("grid", Number(grid));
  equals("circuit", CIRCUIT.exec(text)?.[1]);
  const date = DATE.exec(text)?.[1];
  const year = YEAR.exec(text);
  if (date !== undefined) equals("date", date);
  else if (year !== null) filters.push({ concept: "date", operator: "in-year", value: year[1] ?? year[2] ?? "" });
  return filters;
}
