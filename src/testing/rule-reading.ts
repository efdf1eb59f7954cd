import { CALL_FRAGMENT, COMPARISON_FRAGMENT, FRAGMENT, holdsQuotedNumbers, readFragment } from "./code-fragment.ts";
import { readComparisonOrder } from "./comparison-words.ts";
import { type Habits, joinHabits, NAIVE_YEAR, NO_HABITS, type Rewrite, SECOND_YEAR } from "./habits.ts";
import { readStatements } from "./statements.ts";

/**
 * Turns the instructions of a prompt into habits, sentence by sentence and by general patterns: "A, not B", a column with the word text or
 * quotes, a format of dates. It obeys: it cannot know whether a rule is good. Where two rules disagree, the later one counts.
 */
export function readRules(prompt: string): Habits {
  let habits = NO_HABITS;
  let topic: string | undefined;
  for (const statement of readStatements(prompt)) {
    const named = topicOf(statement.text);
    topic = named ?? (statement.opens ? undefined : topic);
    habits = joinHabits(habits, readStatement(withoutCondition(statement.text), topic));
  }
  return habits;
}

/** Says when a rule holds; only what comes after it is an order. */
function withoutCondition(text: string): string {
  if (/^(?:applies when|applies to|when:|condition:)/i.test(text)) return "";
  return text.replace(/\(applies when[^)]*\)/i, "").replace(/^(?:when|whenever|if)\b[^,:]*[,:]\s*/i, "");
}

function readStatement(text: string, topic: string | undefined): Habits {
  const pairs = readPairs(text).map(({ to, from }) => habitOfPair(to, from, topic));
  const filters = readFilters(text);
  const words = [readNames(text), readComparisons(text, topic), readYear(text), filters];
  // A pair says both sides in code, so it is the clearest thing a sentence can hold.
  return [...words, ...pairs].reduce(joinHabits, NO_HABITS);
}

const NUMERIC_TOPICS: readonly (readonly [RegExp, string])[] = [
  [/(?<!\bfrom (?:the )?)\bpositions?\b|\bplacings?\b|\bfinishing (?:places?|orders?)\b|\branks?\b/i, "position"],
  [/\bgrid\b/i, "grid"],
  [/\blaps\b/i, "laps"],
  [/\bpoints\b/i, "points"],
];
const OTHER_TOPICS = /\b(?:race_date|dates?|years?|drivers?|driver_name|teams?|constructors?|circuits?)\b/i;

/** The numeric column a sentence is about; "" when it is about something else; undefined when it names nothing. */
function topicOf(text: string): string | undefined {
  const numeric = NUMERIC_TOPICS.find(([pattern]) => pattern.test(text))?.[1];
  return numeric ?? (OTHER_TOPICS.test(text) ? "" : undefined);
}

interface Pair {
  readonly to: string;
  readonly from: string;
}

const NOISE = String.raw`(?:(?:the|a|an|column|field|bare|plain|with|by|SELECT|WHERE|as|use|write|writing|using|called|named)\s+)*`;
const AFTER = String.raw`(?:\s+(?:column|field|instead|here|there))?\s*[,;:(-]*\s*`;
const F = `(${FRAGMENT})`;
const TO_FROM = [
  new RegExp(String.raw`${F}${AFTER}(?:and |but )?(?:never|not|instead of|rather than|in place of|over)\s+${NOISE}${F}`, "gi"),
  new RegExp(String.raw`\buse\s+${NOISE}${F}${AFTER}(?:because |since )?(?:there is no|no such)\s+${NOISE}${F}`, "gi"),
];
const FROM_TO = [
  new RegExp(String.raw`${F}\s*(?:-+>|=+>|→|⇒)\s*${NOISE}${F}`, "gi"),
  new RegExp(
    String.raw`(?:instead of|rather than|replace|never (?:write|use)|(?:do not|don't) (?:write|use)|avoid|\bnot|there is no|no such)\s+${NOISE}${F}${AFTER}(?:but|with|by|use|write|prefer|put|it is|it's|it is called|say)\s+${NOISE}${F}`,
    "gi",
  ),
];

function readPairs(text: string): readonly Pair[] {
  const toFrom = TO_FROM.flatMap((pattern) => [...text.matchAll(pattern)].map(([, to = "", from = ""]) => ({ to, from })));
  const fromTo = FROM_TO.flatMap((pattern) => [...text.matchAll(pattern)].map(([, from = "", to = ""]) => ({ to, from })));
  return [...toFrom, ...fromTo];
}

function habitOfPair(toSource: string, fromSource: string, topic: string | undefined): Habits {
  const to = readFragment(toSource);
  const from = readFragment(fromSource);
  if (to === undefined || from === undefined) return NO_HABITS;
  if (to.type === "comparison" && from.type === "comparison") {
    const quoted = holdsQuotedNumbers(to.right);
    const before = holdsQuotedNumbers(from.right);
    if (to.left === from.left && quoted !== undefined && before !== undefined && quoted !== before) return compare(to.left, quoted);
    // The same on the right: the left sides are what differs, and they differ for every value.
    if (to.operator === from.operator && to.right.trim() === from.right.trim()) return habitOfPair(to.left, from.left, topic);
  }
  if (to.type === "literal" && from.type === "literal" && /^\d+$/.test(to.value) && /^\d+$/.test(from.value) && topic) {
    return to.quoted === from.quoted ? NO_HABITS : compare(topic, to.quoted);
  }
  const names = [columnNameOf(to), columnNameOf(from)] as const;
  if (names[0] !== undefined && names[1] !== undefined) {
    return names[0] === names[1] ? NO_HABITS : { ...NO_HABITS, renames: new Map([[names[1], names[0]]]) };
  }
  if (from.type === "name" || from.type === "literal" || to.type === "name" || to.type === "literal") return NO_HABITS;
  return rewrite(fromSource.trim(), toSource.trim());
}

function columnNameOf(fragment: ReturnType<typeof readFragment>): string | undefined {
  const name = fragment?.type === "name" ? fragment.name : fragment?.type === "literal" && fragment.quoted ? fragment.value : "";
  return /^[A-Za-z_]\w*$/.test(name) ? name.toLowerCase() : undefined;
}

const NEGATED = /\b(?:not|never|no|avoid|without|instead of|rather than|don't)\s+(?:\w+\s+){0,2}$/i;

/** Columns by name: a compound of the thing's own word, the trade's word for it, or "column X" beside the word. */
function readNames(text: string): Habits {
  const renames = new Map<string, string>();
  for (const match of text.matchAll(/\b((driver|team)_\w+|constructors?_?\w*|grid)\b/gi)) {
    const name = (match[1] ?? "").toLowerCase();
    if (NEGATED.test(text.slice(0, match.index)) || /^constructors$/.test(name)) continue;
    const concept = match[2]?.toLowerCase() ?? (name.startsWith("constructor") ? "team" : "grid_position");
    if (concept !== "grid_position" || /\bcolumn\b|\bgrid_position\b/i.test(text)) renames.set(concept, name);
  }
  const stored =
    /\b(drivers?|teams?)\b.*?\b(?:column|field|called|named|stored (?:in|as|under)|lives? in)\s+(?:is\s+|called\s+|named\s+)?([a-z]+_[a-z_]+|[a-z]+)\b/i.exec(
      text,
    );
  const concept = stored?.[1]?.toLowerCase().replace(/s$/, "");
  const name = stored?.[2]?.toLowerCase();
  if (concept !== undefined && name !== undefined && name.length > 3 && !renames.has(concept) && name !== concept)
    renames.set(concept, name);
  return { ...NO_HABITS, renames };
}

/** Text or number: by a comparison in code, else by words about the column. */
function readComparisons(text: string, topic: string | undefined): Habits {
  let habits = NO_HABITS;
  const order = topic ? readComparisonOrder(text) : undefined;
  if (topic && order !== undefined) habits = compare(topic, order === "text");
  for (const match of text.matchAll(new RegExp(COMPARISON_FRAGMENT, "gi"))) {
    const fragment = readFragment(match[0]);
    if (fragment?.type !== "comparison" || NEGATED.test(text.slice(0, match.index))) continue;
    if (holdsQuotedNumbers(fragment.right) === true && /^\w+$/.test(fragment.left))
      habits = joinHabits(habits, compare(fragment.left, true));
  }
  return habits;
}

const STRFTIME_FAILS =
  /(?:\b(?:not|never|no|avoid|without|don't|instead of)\b[^.]*\b(?:strftime|date\())|strftime[^.]*\b(?:null|fails?|not|nothing|empty|no rows|useless|cannot|broken)\b/i;

/** How to take the year: by code, by an example or a format of the date, by words. */
function readYear(text: string): Habits {
  if (!/race_date|\bdates?\b|\byears?\b|\bseasons?\b|strftime/i.test(text)) return NO_HABITS;
  const year = yearExpression(text);
  return year === undefined ? NO_HABITS : rewrite(NAIVE_YEAR, year);
}

function yearExpression(text: string): string | undefined {
  for (const match of text.matchAll(new RegExp(CALL_FRAGMENT, "gi"))) {
    if (/^(?:substr|substring)\(\s*race_date\b/i.test(match[0]) && !NEGATED.test(text.slice(0, match.index))) return match[0];
  }
  const from =
    /\b(\d+) (?:characters?|letters?) (?:from|starting (?:at|from|with)|at|beginning at) (?:the )?(?:character |position |offset |index )?(\d+)/i.exec(
      text,
    );
  if (from !== null) return `substr(race_date, ${from[2]}, ${from[1]})`;
  const format = /\bDD[ ./-]?M[a-z]{2,3}[ ./-]?(?:YYYY|yyyy)\b|\b\d{1,2} [A-Z][a-z]{2} \d{4}\b/i.exec(text)?.[0];
  if (format !== undefined) return `substr(race_date, ${format.length - 3}, 4)`;
  if (/\b(?:last|final) (?:four|4)\b|\bends? (?:with|in) the year\b|\byear (?:is |comes )?(?:at the end|last)\b/i.test(text))
    return "substr(race_date, -4)";
  return STRFTIME_FAILS.test(text) ? SECOND_YEAR : undefined;
}

/** Orders that leave something out or let only some in. */
function readFilters(text: string): Habits {
  const ignored = /\b(?:ignor(?:e|ing)|disregard|leave out)\s+(?:the\s+)?(?:column\s+)?(\w+)(?:\s+column)?(?!\s*(?:=|<))/i.exec(text);
  const only =
    /\b(?:limit|restrict|filter|only|keep)\b.*?\b(driver|team|constructor|circuit)s?\b.*?\b(?:start|begin)(?:s|ning|ing)?\s+with\s+(?:an?\s+|the\s+letter\s+)?'?(\p{L}+)/iu.exec(
      text,
    );
  const harmless = ignored === null || NEGATED.test(text.slice(0, ignored.index));
  return {
    ...NO_HABITS,
    ignored: new Set(harmless ? [] : [(ignored?.[1] ?? "").toLowerCase()]),
    extra: only === null ? [] : [{ column: (only[1] ?? "").toLowerCase(), pattern: `${only[2]}%` }],
  };
}

function compare(column: string, quoted: boolean): Habits {
  return { ...NO_HABITS, comparison: new Map([[column.toLowerCase(), quoted ? "text" : "number"]]) };
}

function rewrite(from: string, to: string): Habits {
  const rewrites: Rewrite[] = from === to ? [] : [{ from, to }];
  return { ...NO_HABITS, rewrites };
}
