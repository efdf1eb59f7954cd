import { type Habits, NAIVE_YEAR, type Rewrite } from "./habits.ts";
import type { Concept, Filter, Question } from "./question-reading.ts";

/** The names a model tries for a concept, in order: first what the question calls it, then what such tables are known to call it. */
const NAMES: { readonly [concept in Concept]: readonly string[] } = {
  driver: ["driver", "driver_name"],
  team: ["team", "constructor"],
  grid: ["grid_position", "grid"],
  circuit: ["circuit"],
  date: ["race_date"],
  position: ["position"],
  laps: ["laps"],
  points: ["points"],
};

/** The SQL for a question. `unknownColumns`: names that the database has refused in this conversation. */
export function writeQuery(question: Question, habits: Habits, unknownColumns: ReadonlySet<string> = new Set()): string {
  const column = (concept: Concept): string => columnName(concept, habits, unknownColumns);
  const conditions = [
    ...question.filters.filter((filter) => !habits.ignored.has(column(filter.concept))).map((filter) => condition(filter, column, habits)),
    ...habits.extra.map(({ column: name, pattern }) => `${nameFor(name, habits, unknownColumns)} LIKE ${text(pattern)}`),
  ];
  const where = conditions.length === 0 ? "" : ` WHERE ${conditions.join(" AND ")}`;
  return habits.rewrites.reduce(applyRewrite, `SELECT ${shape(question, column, where)}`);
}

function shape(question: Question, column: (concept: Concept) => string, where: string): string {
  const from = `FROM results${where}`;
  if (question.kind === "sum") return `SUM(${column(question.wanted as Concept)}) ${from}`;
  if (question.kind === "count" || question.kind === "ever") {
    return question.wanted === "races" ? `COUNT(DISTINCT ${column("date")}) ${from}` : `COUNT(*) ${from}`;
  }
  const wanted = column(question.wanted as Concept);
  if (question.kind === "lookup") return `DISTINCT ${wanted} ${from}`;
  const total = question.by === "points" ? `SUM(${column("points")})` : "COUNT(*)";
  return `${wanted}, ${total} AS total ${from} GROUP BY ${wanted} ORDER BY total DESC LIMIT 1`;
}

function condition(filter: Filter, column: (concept: Concept) => string, habits: Habits): string {
  const name = column(filter.concept);
  if (filter.operator === "in-year") return `${NAIVE_YEAR.replace("race_date", name)} = ${text(filter.value)}`;
  if (typeof filter.value === "string") return `${name} = ${text(filter.value)}`;
  if (habits.comparison.get(name) !== "text") return `${name} ${filter.operator} ${filter.value}`;
  if (filter.operator === "=") return `${name} = ${text(String(filter.value))}`;
  // Text compares by letters, '10' before '3', so a range of numbers kept as text becomes a list.
  const list = Array.from({ length: filter.value }, (_, index) => text(String(index + 1)));
  return `${name} IN (${list.join(", ")})`;
}

function columnName(concept: Concept, habits: Habits, unknown: ReadonlySet<string>): string {
  const [first = concept] = NAMES[concept];
  const tried = [habits.renames.get(first) ?? first, ...NAMES[concept]];
  return tried.find((name) => !unknown.has(name)) ?? first;
}

/** The column for a name that a rule used, which may itself be a guess. */
function nameFor(name: string, habits: Habits, unknown: ReadonlySet<string>): string {
  const concept = (Object.keys(NAMES) as Concept[]).find((key) => key === name || NAMES[key].includes(name));
  return concept === undefined ? name : columnName(concept, habits, unknown);
}

function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

function applyRewrite(sql: string, rewrite: Rewrite): string {
  // White space may be anywhere, words end where they end, and a year stands for any year.
  const body = [...rewrite.from.replace(/\s+/g, "")].map((character) => character.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("\\s*");
  const anyYear = body.replace(/2\\s\*0(?:\\s\*\d){2}/, "(\\d{4})");
  const source = `${/^\w/.test(rewrite.from) ? "(?<![\\w'])" : ""}${anyYear}${/\w$/.test(rewrite.from) ? "(?![\\w'])" : ""}`;
  return sql.replace(new RegExp(source, "gi"), (_match, year: unknown) =>
    typeof year === "string" ? rewrite.to.replace(/\b20\d\d\b|\bYYYY\b/, year) : rewrite.to,
  );
}
