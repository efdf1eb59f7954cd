import { type Instruction, readInstruction } from "./instruction.ts";
import { shade, splitShaded } from "./shade.ts";
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
  /** What its sentence instructs, where it has a form that says so. */
  readonly instruction?: Instruction;
  /** Where it holds, said in front: "In run_sql, ...". */
  readonly front: ReadonlySet<string>;
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

const SENTENCE_END = /[.;!?](?=\s|$)|\n/g;
const PART_END =
  /\s[—–-]\s|:\s+|,?\s+but\s+(?!not\b)|,\s+(?:and\s+)?then\s+|,\s+(?:and\s+)?(?=(?:never|always|do not|avoid)\b)(?!never with\b)/gi;
/** What happened once, and demands nothing: 'With grid it failed with "no such column: grid"'. */
const REPORT =
  /^\s*(?:(?:otherwise|(?:un)?quoted|with(?:out)?\b[^,.]{1,80}?),?\s+)?(?:it|this|that|the (?:call|query|command|request|run|tool))\s+(?:had |has )?(?:failed|returned|raised|threw|gave|broke|crashed|ended|errored)\b/i;
/** "Rule 7" and "Step 3:" name a text and are no part of what it says. */
const LABEL =
  /(?<!\b(?:each|every|per|one|an?)\s)\b(rule|lesson|item|candidate|example|hint|tip|guideline)\s+(?:no\.?\s+|number\s+|#)?\d+\b/gi;
const LABEL_IN_FRONT = /^\s*\p{L}+\s+#?\d+\s*:\s/u;
const FRONT_PLACE = /^\s*(?:in|on|at|inside|within)\s+([^,:]{1,80}),\s+/i;

/** The sentences that demand something. */
export function demandsOf(content: string): readonly string[] {
  const text = content
    .normalize("NFKC")
    .replace(CONTRACTION, "$1 not")
    .replace(/\b(?:can['’]t|can not)\b/gi, "cannot")
    .replace(/\be\.g\.,?\s/gi, "for example ")
    .replace(LABEL_IN_FRONT, "")
    .replace(LABEL, "$1");
  const sentences = splitShaded(text, SENTENCE_END).map((sentence) => sentence.trim());
  const demands = sentences.filter((sentence) => sentence !== "" && !REPORT.test(sentence));
  // A text of reports alone is all there is to compare.
  return demands.length > 0 ? demands : sentences;
}

/** A rule as its clauses. Order is kept. */
export function clausesOf(content: string): readonly Clause[] {
  return demandsOf(content).flatMap((sentence) => {
    const front = FRONT_PLACE.exec(sentence);
    const said = front === null ? sentence : sentence.slice(front[0].length);
    const instruction = readInstruction(said);
    const clauses = splitShaded(said, PART_END).flatMap((part) => (part.trim() === "" ? [] : contrasted(part.trim(), front?.[1])));
    return instruction === undefined ? clauses : clauses.map((clause) => ({ ...clause, instruction }));
  });
}

function contrasted(sentence: string, place: string | undefined): readonly Clause[] {
  const at = CONTRAST.exec(shade(sentence));
  if (at === null || at.index === 0) return [clause(sentence, place)];
  const before = sentence.slice(0, at.index);
  const tail = sentence.slice(at.index + at[0].length);
  // What is contrasted ends where the next part of the sentence begins; that part belongs to the demand.
  const end = shade(tail).search(CONTRAST_END);
  const after = end < 0 ? tail : tail.slice(0, end);
  const main = clause(end < 0 ? before : `${before} ${tail.slice(end)}`, place);
  return [main, { ...clause(after, place), negative: !main.negative, contrastOf: main }];
}

function clause(text: string, place = ""): Clause {
  const undone = text.replace(UNDONE, "not $1");
  const negations = shade(undone).match(NEGATION)?.length ?? 0;
  const [core, condition] = parted(undone);
  const subject = ABOUT.exec(core.what)?.groups?.["name"];
  const main = readValues(subject === undefined ? core.what : core.what.replace(subject, " "));
  const inside = readValues(condition);
  const where = readValues(core.where);
  return {
    text,
    negative: negations % 2 === 1,
    core: subject === undefined ? stems(main.rest) : new Set([...stems(main.rest), subject.toLowerCase()]),
    condition: stems(inside.rest),
    place: stems(where.rest),
    plain: tokens(undone),
    values: [...main.values, ...where.values],
    placeValues: where.values,
    conditionValues: inside.values,
    front: stems(place),
  };
}

/**
 * A name in front of what is said of it, or right after what is done to it, is what the clause is about: "compare lap_time with text", "lap_time is text". A
 * rule that names its choice ("use lap_time", "sort by lap_time", "the column is lap_time") has it as its value.
 */
const ABOUT =
  /^\s*(?:(?:always|never|please|do not|you|must|should)\s+)*(?:(?!(?:use|call|choose|prefer|pick|query|ask|select|be|is|are|join|write|say|answer)\b)\p{L}+\s+)?(?:the\s+|every\s+|each\s+|all\s+)?(?<name>[\p{L}\p{N}]+(?:[_.][\p{L}\p{N}]+)+|[a-z]+[A-Z][A-Za-z0-9]*)(?=\s+\p{L})/u;

/** "The timeout for search is 30": what stands between the preposition and the verb says which timeout. */
const BETWEEN =
  /\s(?:for|in|on|at|inside|during)\s+(?<which>(?:(?!\b(?:is|are|must|should|has|have|equals?)\b)[^,]){1,80}?)\s+(?=(?:is|are|must|should|has to|have to|equals?)\s)/iu;

/** What, where, and under which condition. A condition in front ends with its comma. */
function parted(text: string): readonly [{ readonly what: string; readonly where: string }, string] {
  const front = /^\s*(?:when|whenever|if|unless|for|while|during|once|before|after)\b([^,]*),(.*)$/isu.exec(text);
  if (front !== null) {
    const [inner, more] = parted(front[2] ?? "");
    return [inner, `${front[1]} ${more}`];
  }
  const between = BETWEEN.exec(text);
  if (between !== null && between.index > 0 && text.slice(0, between.index).search(CONDITION) < 0) {
    const [inner, more] = parted(`${text.slice(0, between.index)} ${text.slice(between.index + between[0].length)}`);
    return [inner, `${between.groups?.["which"]} ${more}`];
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
