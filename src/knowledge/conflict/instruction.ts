import { formatChange } from "../../lesson/recovery/value-format.ts";
import { shade } from "./shade.ts";
import { readValues } from "./values.ts";

/**
 * A sentence that says what to do instead of what: "the column is A, not B", "use A, not B", "write S like A, not like B", "pass S as a list", "leave out X".
 * It speaks about B, S or X and about nothing else, however alike the words around are.
 */
export interface Instruction {
  /** What it is about: what is called or written B, how S is written, whether X is there. */
  readonly topic: string;
  /** What it asks for, in a comparable form. */
  readonly demand: string;
  /** What it asks for and forbids, where it has both: "A, not B" against "B, not A" has two topics and is one contradiction. */
  readonly turned?: string;
  /** What it asks for, as it stands in the text. */
  readonly text: string;
}

const NOUNS =
  "column|table|function|field|view|index|command|option|module|variable|attribute|key|argument|parameter|name|word|property|tool|endpoint";
const NAMING = new RegExp(`^the (?:${NOUNS})(?: name)? (?:is|are)(?: called| named)? (?<good>.+)$`, "is");
const CHOOSING = /^(?:(?:always|please) )?(?<verb>use|write(?: the name)?|call|run|prefer|choose) (?<good>.+)$/is;
const WRITTEN = /^(?:write|pass|give|format) (?:the )?(?<subject>.+?)(?: values?)? (?:like|as in) (?<good>.+)$/is;
const COMPARED = /^compare (?:the )?(?<subject>.+?) (?:with|to) (?:an? |the )?(?:quoted |unquoted )?(?:text|strings?|number)\b/i;
const TYPED = /^pass (?:the )?(?<subject>.+?) as (?:an? |the )?(?<type>[a-z]+)(?::|$)/is;
const PRESENT = /^(?:always )?(?:pass|add|include) (?:the )?(?<subject>\S+(?: \S+){0,3})$/is;
const ABSENT = /^(?:leave out|omit|(?:do not|never) (?:pass|add|include|use)) (?:the )?(?<subject>\S+(?: \S+){0,3})$/is;
const EXAMPLE = /,?\s+(?:for example|for instance|such as)\b/i;
const CONTRAST =
  /,?\s+(?:instead of|rather than)\s+|(?:,|(?<!\b(?:[Dd]o|does|must|should|may|is|are|be|has|have|and|or)))\s+not\s+(?:like |as in |as |with )?(?=\S)/g;
const CONDITIONED = /\s(?:when|whenever|if|unless|except|for|while|until|because|before|after)\s/i;

/** What a sentence without its place in front instructs; undefined for sentences of any other form. */
export function readInstruction(sentence: string): Instruction | undefined {
  const shaded = shade(sentence);
  if (CONDITIONED.test(shaded.replace(EXAMPLE, ","))) return undefined;
  const typed = TYPED.exec(sentence)?.groups;
  if (typed !== undefined) return about("type", typed["subject"], typed["type"]);
  // The last contrast: code may hold a "not" of its own.
  const contrast = [...shaded.matchAll(CONTRAST)].at(-1);
  if (contrast !== undefined && contrast.index > 0) {
    const [head, bad] = [sentence.slice(0, contrast.index), sentence.slice(contrast.index + contrast[0].length)];
    return shade(bad).includes(", ") ? undefined : instead(head, bad);
  }
  const example = EXAMPLE.exec(shaded);
  const whole = example === null ? sentence : sentence.slice(0, example.index);
  if (shade(whole).includes(",")) return undefined;
  const [absent, present] = [ABSENT.exec(whole)?.groups?.["subject"], PRESENT.exec(whole)?.groups?.["subject"]];
  const subject = absent ?? present ?? "";
  if (/\s(?:in|on|at|to|by|as|with|from|of|into|and|or)\s/.test(shade(subject)) || asksForAmount(subject)) return undefined;
  return about("presence", subject, absent === undefined ? "present" : "absent", whole);
}

function instead(head: string, bad: string): Instruction | undefined {
  const shaded = shade(head);
  const colon = shaded.lastIndexOf(": ");
  const [lead, said] = colon < 0 ? ["", head] : [head.slice(0, colon), head.slice(colon + 2)];
  const compared = COMPARED.exec(lead);
  if (lead !== "" && compared === null) return undefined;
  const naming = NAMING.exec(said);
  const written = naming === null ? WRITTEN.exec(said) : null;
  const choosing = naming === null && written === null ? CHOOSING.exec(said) : null;
  const good = (naming ?? written ?? choosing)?.groups?.["good"];
  if (good === undefined) return undefined;
  const subject = compared?.groups?.["subject"] ?? written?.groups?.["subject"];
  const form = subject === undefined ? undefined : formOf(bad, good);
  if (form !== undefined) return about(form.what, subject, form.demand, good);
  if (subject !== undefined) return undefined;
  // "Use 60 s, not 30 s" and "use EUR, not USD" answer a question that the situation asks; only names and code say themselves what they are about.
  if (choosing !== null && asksForAmount(good)) return undefined;
  const [a, b] = [plain(good), plain(bad)];
  if (a === "" || b === "" || a === b) return undefined;
  return { topic: `instead of ${b}`, demand: a, turned: `instead of ${a}\0${b}`, text: good };
}

/** Two ways to write one value: with quotes or without, or in two formats. The example itself is no demand. */
function formOf(bad: string, good: string): { readonly what: string; readonly demand: string } | undefined {
  const bare = (text: string): string => text.replace(/["'`]/g, "");
  if (bare(bad) === bare(good) && bad !== good) return { what: "quotes", demand: bad.length < good.length ? "quoted" : "bare" };
  const change = formatChange(bad, good);
  // Years keep their length, other numbers have none: 5 and 12 are written the same way.
  return change === undefined ? undefined : { what: "form", demand: change.after.replace(/9+/g, (run) => (run.length === 4 ? run : "9")) };
}

function about(what: string, subject: string | undefined, demand: string | undefined, text = demand): Instruction | undefined {
  const named = plain(subject ?? "");
  return named === "" || demand === undefined
    ? undefined
    : { topic: `${what} of ${named}`, demand: demand.toLowerCase(), text: text ?? "" };
}

/** A quantity or a choice from a known list: "60 s", "7 %", "EUR". */
function asksForAmount(text: string): boolean {
  return readValues(text).values.some(({ group }) => !/^(?:after|quoted|identifier)|name$/.test(group));
}

function plain(text: string): string {
  return text
    .trim()
    .replace(/^`(.*)`$/, "$1")
    .replace(/\s+/g, " ")
    .toLowerCase();
}

/** Whether both are about the same and cannot both be followed. */
export function areContrary(first: Instruction, second: Instruction): boolean {
  if (first.topic === second.topic) return first.demand !== second.demand;
  return first.turned !== undefined && first.turned === `${second.topic}\0${second.demand}`;
}
