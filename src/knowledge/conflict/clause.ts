import { readValues, type Value } from "./values.ts";
import { isEmptyWord, stem, tokens } from "./words.ts";

/** What one clause of a rule demands. */
export interface Clause {
  readonly text: string;
  /** It forbids. Two negations make a demand: "never skip". */
  readonly negative: boolean;
  /** Stems of what is demanded, without constants. */
  readonly core: ReadonlySet<string>;
  /** Stems of under which condition, and of where: a rule with a condition that the other lacks refines it. */
  readonly condition: ReadonlySet<string>;
  readonly place: ReadonlySet<string>;
  /** All words, among them those that mean nothing alone, for opposites and order. */
  readonly plain: readonly string[];
  readonly values: readonly Value[];
  /** Those of `values` that stand in the place: "in UTC". */
  readonly placeValues: readonly Value[];
  /** Constants inside the condition: they say when, not what. */
  readonly conditionValues: readonly Value[];
  /** "use A, not B": the part after the contrast. It belongs to the clause before it. */
  readonly contrastOf?: Clause;
}

const NEGATION =
  /\b(?:never|not|cannot|no|avoid|skip|omit|refuse|forbid|forbidden|forget|without|stop|prevent|prohibit|disallow|leave\b[^,.]{1,80}\bout)\b/gi;
const CONTRACTION = /\b(do|does|did|must|should|is|are|was|were|could|would|wo|has|have|need)n['’]t\b/gi;
const CONTRAST =
  /,?\s+(?:instead of|rather than)\s+|,\s*(?:not|never)\s+(?:with\s+|by\s+|as\s+|in\s+)?|,?\s+(?:and|but) not\s+(?:with\s+|by\s+|as\s+|in\s+)?|(?<!\b(?:do|does|did|must|should|may|can|is|are|was|were|will|would|be|has|have|and|or|need|if|but|shall|could|might))\s+not\s+(?=[`'"“\p{L}\p{N}])/iu;
const CONDITION =
  /\b(?:when|whenever|if|unless|except|only|while|until|for(?!\s+\d)|during|where|above|below|over|under|between|because)\b/i;
const PLACE = /\b(?:in|on|at(?!\s+(?:least|most))|inside)\b/i;
const CONTRAST_END = /,\s|\s(?:when|whenever|if|unless|except|while|until|for|before|after|in|on|at)\s/i;
const UNDONE = /\bun(\p{L}{4,}ed)\b/giu;

/** A rule as its clauses. Order is kept. */
export function clausesOf(content: string): readonly Clause[] {
  return content
    .normalize("NFKC")
    .replace(CONTRACTION, "$1 not")
    .replace(/\b(?:can['’]t|can not)\b/gi, "cannot")
    .split(
      /[.;!?](?=\s|$)|\n|\s[—–-]\s|:\s|,?\s+but\s+(?!not\b)|,\s+(?:and\s+)?then\s+|,\s+(?:and\s+)?(?=(?:never|always|do not|avoid)\b)(?!never with\b)/i,
    )
    .flatMap((sentence) => (sentence.trim() === "" ? [] : contrasted(sentence.trim())));
}

function contrasted(sentence: string): readonly Clause[] {
  const at = CONTRAST.exec(sentence);
  if (at === null || at.index === 0) return [clause(sentence)];
  const before = sentence.slice(0, at.index);
  const tail = sentence.slice(at.index + at[0].length);
  // What is contrasted ends where the next part of the sentence begins; that part belongs to the demand.
  const end = tail.search(CONTRAST_END);
  const after = end < 0 ? tail : tail.slice(0, end);
  const main = clause(end < 0 ? before : `${before} ${tail.slice(end)}`);
  return [main, { ...clause(after), negative: !main.negative, contrastOf: main }];
}

function clause(text: string): Clause {
  const undone = text.replace(UNDONE, "not $1");
  const negations = undone.match(NEGATION)?.length ?? 0;
  const [core, condition] = parted(undone);
  const main = readValues(core.what);
  const inside = readValues(condition);
  const place = readValues(core.where);
  return {
    text,
    negative: negations % 2 === 1,
    core: stems(main.rest),
    condition: stems(inside.rest),
    place: stems(place.rest),
    plain: tokens(undone),
    values: [...main.values, ...place.values],
    placeValues: place.values,
    conditionValues: inside.values,
  };
}

/** What, where, and under which condition. A condition in front ends with its comma. */
function parted(text: string): readonly [{ readonly what: string; readonly where: string }, string] {
  const front = /^\s*(?:when|whenever|if|unless|for|while|during|once|before|after)\b([^,]*),(.*)$/isu.exec(text);
  if (front !== null) {
    const [inner, more] = parted(front[2] ?? "");
    return [inner, `${front[1]} ${more}`];
  }
  const at = CONDITION.exec(text);
  const [what, condition] = at === null || at.index === 0 ? [text, ""] : [text.slice(0, at.index), text.slice(at.index)];
  const place = PLACE.exec(what);
  if (place === null || place.index === 0) return [{ what, where: "" }, condition];
  return [{ what: what.slice(0, place.index), where: what.slice(place.index) }, condition];
}

function stems(text: string): ReadonlySet<string> {
  return new Set(
    tokens(text)
      .map(stem)
      .filter((word) => !isEmptyWord(word)),
  );
}
