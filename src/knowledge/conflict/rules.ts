import { jaccard } from "../../base/similarity.ts";
import type { Clause } from "./clause.ts";
import { areContrary } from "./instruction.ts";
import { excludes, readValues, type Value } from "./values.ts";
import { isEmptyWord, overlap, stem } from "./words.ts";

/** Two clauses that cannot both be followed, and the words at which they part. */
export interface ClauseClash {
  readonly rule: "instruction" | "modality" | "opposite" | "order" | "constant" | "target";
  readonly first: string;
  readonly second: string;
}

/** Everything that a whole item says: a condition that speaks of it adds none. */
export type Said = ReadonlySet<string>;

type Rule = (first: Clause, second: Clause) => ClauseClash | undefined;

/** The first clash of two clauses; undefined when one only refines the other, or speaks of something else. */
export function clauseClash(first: Clause, second: Clause, saidByFirst: Said, saidBySecond: Said): ClauseClash | undefined {
  if (!isAt(first, second, saidBySecond) || !isAt(second, first, saidByFirst)) return undefined;
  const [mine, other] = [first.instruction, second.instruction];
  if (mine !== undefined && other !== undefined) {
    return areContrary(mine, other) ? { rule: "instruction", first: mine.text, second: other.text } : undefined;
  }
  if (!isCovered(first, second, saidBySecond) || !isCovered(second, first, saidByFirst)) return undefined;
  for (const rule of [order, opposite, modality, constant, target]) {
    const clash = rule(first, second);
    if (clash !== undefined) return clash;
  }
  return undefined;
}

/** Whether the place in front of a clause is the other one's too: the same, or, where that has none, one that its text speaks of. */
function isAt({ front }: Clause, other: Clause, said: Said): boolean {
  const known = other.front.size > 0 ? other.front : said;
  return [...front].every((word) => known.has(word));
}

/** Whether what a clause says about when and where is also said, or was taken for granted, on the other side. */
function isCovered(clause: Clause, other: Clause, said: Said): boolean {
  const same = clause.conditionValues.every((value) => other.conditionValues.some((more) => more.value === value.value));
  const isKnown = (words: ReadonlySet<string>, share: number): boolean =>
    [...words].filter((word) => said.has(word)).length >= share * words.size;
  // "in UTC" and "in the customer's local time" name a value and no place.
  const isValue = clause.placeValues.some((value) => other.placeValues.some((more) => more.group === value.group));
  return same && isKnown(clause.condition, 0.67) && (isValue || isKnown(clause.place, 0.5));
}

/** One demands what the other forbids. */
const modality: Rule = (first, second) => {
  if (first.negative === second.negative) return undefined;
  const [asked, forbidden] = first.negative ? [second, first] : [first, second];
  if (forbidden.contrastOf !== undefined) return contrast(first, second, asked, forbidden);
  if (asked.contrastOf !== undefined) return undefined;
  if (hasOpposites(first, second)) return undefined;
  const [mine, others] = [demandOf(first), demandOf(second)];
  // "Retry" and "do not retry a declined charge" can both be followed: more words on one side alone name an exception.
  if (jaccard(mine, others) < 0.6 || overlap(mine, others) === 1) return isSame(mine, others) ? between(first, second) : undefined;
  return between(first, second);
};

function between(first: Clause, second: Clause): ClauseClash {
  return { rule: "modality", first: first.text, second: second.text };
}

/** Its words and its constants. */
function demandOf({ core, values }: Clause): ReadonlySet<string> {
  return new Set([...core, ...values.map(keyOf)]);
}

function isSame(left: ReadonlySet<string>, right: ReadonlySet<string>): boolean {
  return left.size > 0 && left.size === right.size && overlap(left, right) === 1;
}

/** "use A, not B" against "use B": B is what the other asks for, about the same thing. */
function contrast(first: Clause, second: Clause, asked: Clause, forbidden: Clause): ClauseClash | undefined {
  const main = forbidden.contrastOf;
  if (main === undefined || asked.contrastOf !== undefined) return undefined;
  const values = forbidden.values.length > 0;
  const askedValues = asked.values.map(keyOf);
  const inside = values
    ? forbidden.values.every((value) => askedValues.includes(keyOf(value)))
    : forbidden.core.size > 0 && [...forbidden.core].every((word) => asked.core.has(word));
  // What the other asks for besides must be what the main clause is about, or nothing.
  const rest = new Set([...asked.core].filter((word) => !forbidden.core.has(word)));
  const sameSubject = main.core.size === 0 || rest.size === 0 || overlap(main.core, rest) >= 0.5;
  return inside && sameSubject ? between(first, second) : undefined;
}

function keyOf({ group, value }: Value): string {
  return `${/^(?:after|quoted|identifier)/.test(group) ? group.split(" ")[0] : group} ${value}`;
}

const OPPOSITES: readonly (readonly [string, string])[] = (
  "ascending descending|asc desc|include exclude|allow deny|allow forbid|accept reject|enable disable|uppercase lowercase|upper lower|" +
  "increase decrease|maximum minimum|highest lowest|newest oldest|latest earliest|first last|up down|inclusive exclusive|open close|add remove|show hide|" +
  "keep delete|keep drop|keep discard|start stop|left right|true false|on off|required optional|strict lenient|parallel sequential|sync async|" +
  "synchronous asynchronous|public private|plain encrypted|gross net|singular plural|relative absolute|manual automatic|lock unlock|quoted unquoted|" +
  "positive negative|internal external|trim pad|short long|formal informal|approve reject|prepend append|merge split|cached fresh"
)
  .split("|")
  .map((words) => words.split(" ") as unknown as readonly [string, string]);
const OPPOSITE_OF = new Map<string, ReadonlySet<string>>();
for (const [left, right] of OPPOSITES) {
  for (const [word, other] of [
    [left, right],
    [right, left],
  ] as const) {
    OPPOSITE_OF.set(stem(word), new Set([...(OPPOSITE_OF.get(stem(word)) ?? []), stem(other)]));
  }
}

function oppositesOf(first: Clause, second: Clause): readonly [string, string] | undefined {
  const [left, right] = [new Map(first.plain.map((word) => [stem(word), word])), new Map(second.plain.map((word) => [stem(word), word]))];
  for (const [word, written] of left) {
    if (right.has(word)) continue;
    for (const other of OPPOSITE_OF.get(word) ?? []) {
      const there = right.get(other);
      if (there !== undefined && !left.has(other)) return [written, there];
    }
  }
  return undefined;
}

function hasOpposites(first: Clause, second: Clause): boolean {
  return oppositesOf(first, second) !== undefined;
}

/** The same about the same, but for one word and its opposite. */
const opposite: Rule = (first, second) => {
  const words = oppositesOf(first, second);
  if (words === undefined || first.negative !== second.negative) return undefined;
  const without = (core: ReadonlySet<string>): ReadonlySet<string> => new Set([...core].filter((word) => !words.map(stem).includes(word)));
  if (overlap(without(first.core), without(second.core)) < 0.6 || jaccard(without(first.core), without(second.core)) < 0.4)
    return undefined;
  return { rule: "opposite", first: words[0], second: words[1] };
};

/** First this, then that, against first that, then this. */
const order: Rule = (first, second) => {
  const [left, right] = [orderOf(first), orderOf(second)];
  if (left === undefined || right === undefined || first.negative !== second.negative) return undefined;
  const alike = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean => overlap(a, b) >= 0.6;
  if (!alike(left.earlier, right.later) || !alike(left.later, right.earlier)) return undefined;
  // Words that stand on both sides would call any order the reverse.
  if (alike(left.earlier, right.earlier) && alike(left.later, right.later)) return undefined;
  return { rule: "order", first: left.marker, second: right.marker };
};

function orderOf({
  text,
}: Clause): { readonly marker: string; readonly earlier: ReadonlySet<string>; readonly later: ReadonlySet<string> } | undefined {
  const at = /\b(before|after)\b/i.exec(text);
  if (at === null || at.index === 0) return undefined;
  const [left, right] = [wordsOf(text.slice(0, at.index)), wordsOf(text.slice(at.index + at[0].length))];
  const before = at[0].toLowerCase() === "before";
  return { marker: at[0], earlier: before ? left : right, later: before ? right : left };
}

function wordsOf(text: string): ReadonlySet<string> {
  return new Set((text.toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? []).map(stem).filter((word) => !isEmptyWord(word)));
}

/** Rules that list things: two of them name two things to do, and both can be done. */
const ADDITIVE = new Set(
  "check verify validate mention remember consider test log cite look confirm list handle ask watch warn note review inspect count escape"
    .split(" ")
    .map(stem),
);

/** What is done to a thing can be said in many ways; the thing cannot. */
const MANNERS = new Set(
  "set use keep write make limit configure wait pause give put report show send retry pass start store return read pay offer allow stay last take hold"
    .split(" ")
    .map(stem),
);

/** Each speaks of something that the other does not: "the search timeout" and "the billing timeout" may differ. */
function speakOfOthers(first: Clause, second: Clause, group: string): boolean {
  const subject = ({ core, values }: Clause): ReadonlySet<string> =>
    new Set([...core, ...values.filter((value) => value.group === "identifier" && group !== "identifier").map(keyOf)]);
  const [mine, others] = [subject(first), subject(second)];
  const alone = (left: ReadonlySet<string>, right: ReadonlySet<string>): boolean =>
    [...left].some((word) => !right.has(word) && !MANNERS.has(word));
  return alone(mine, others) && alone(others, mine);
}

/** Another constant in the same place. */
const constant: Rule = (first, second) => {
  if (first.negative || second.negative) return undefined;
  const additive = [...first.core].some((word) => ADDITIVE.has(word) && second.core.has(word));
  const parts = (group: string): boolean => {
    const [mine, others] = [first, second].map(({ values }) => values.filter((value) => value.group === group));
    return (
      mine !== undefined &&
      others !== undefined &&
      mine.some((value) => others.length > 0 && others.every((other) => excludes(value, other)))
    );
  };
  for (const value of first.values) {
    const others = second.values.filter(({ group }) => group === value.group);
    if (others.length === 0 || !others.every((other) => excludes(value, other))) continue;
    // "Pass 10 to search_flights" and "pass 50 to search_hotels": of two that differ, the name says where.
    if (value.group === "identifier" && first.values.some(({ group }) => group !== "identifier" && parts(group))) continue;
    // The other side may name this value too, in another place.
    if (first.values.some((mine) => others.some((other) => mine.group === other.group && mine.value === other.value))) continue;
    if (additive && /^(?:quoted|identifier|.* name)$/.test(value.group)) continue;
    // "box 4" and "box 7" are two boxes: a number without a unit is a value only where the rest is nearly the same.
    const isLabel = value.group.startsWith("after ");
    const place = jaccard(first.core, second.core) >= (isLabel ? 0.6 : 0.5) || (!isLabel && overlap(first.core, second.core) >= 0.6);
    const bare = first.core.size === 0 && second.core.size === 0;
    const bounded =
      value.bound !== undefined && others.some((other) => other.bound !== undefined) && overlap(first.core, second.core) >= 0.5;
    if (speakOfOthers(first, second, value.group)) continue;
    if (place || bare || bounded) return { rule: "constant", first: value.text, second: (others[0] as Value).text };
  }
  return undefined;
};

/** Verbs that have one object in this place. What they are done to stands between the verb and the preposition. */
const TARGETS: readonly RegExp[] = [
  /^(?:\W*\w+ly\s+)?(?:route|send|forward|delegate|escalate|assign|hand|transfer|redirect|pass|set|round|convert|map|switch)\b(?<object>.*?)\b(?:to|over to)\b(?<target>.*)$/iu,
  /^(?:sort|order|rank|group|filter|sign)\b(?<object>.*?)\bby\b(?<target>.*)$/iu,
  /^(?:store|write|treat|return|export|format|encode|save|render|read|parse|count|show|display|print|pass|treat|log)\b(?<object>.*?)\bas\b(?<target>.*)$/iu,
];
/** Of two tools, agents or columns for one purpose, one is used. Other things may be used side by side. */
const CHOSEN = /^(?:use|call|query|choose|prefer|ask|run|pick)\s+(?:the |a |an )?(?<target>.*?)\s+(?:for|to)\b(?<object>.*)$/iu;

function meant(text = ""): ReadonlySet<string> {
  const { values, rest } = readValues(text);
  return new Set([...values.map(keyOf), ...wordsOf(rest)]);
}

const target: Rule = (first, second) => {
  if (first.negative || second.negative) return undefined;
  for (const pattern of [...TARGETS, CHOSEN]) {
    const [left, right] = [pattern.exec(first.text)?.groups, pattern.exec(second.text)?.groups];
    if (left === undefined || right === undefined) continue;
    const [mine, others] = [meant(left["target"]), meant(right["target"])];
    const [object, otherObject] = [meant(left["object"]), meant(right["object"])];
    const apart = [...mine].some((word) => !others.has(word)) && [...others].some((word) => !mine.has(word));
    const sameHead = pattern !== CHOSEN || [...mine].at(-1) === [...others].at(-1);
    const sameObject = (object.size === 0 && otherObject.size === 0) || jaccard(object, otherObject) >= 0.6;
    if (apart && sameHead && sameObject)
      return { rule: "target", first: (left["target"] ?? "").trim(), second: (right["target"] ?? "").trim() };
  }
  return undefined;
};
