import { cleanQuote } from "../clean-text.ts";
import { COPIED_TOKENS } from "../guards/copy-through.ts";
import { MAX_CONTENT_CHARS } from "../guards/length.ts";
import type { KnowledgeType } from "../lesson.ts";
import type { Change } from "./change.ts";

/** A rule as a person reads it. */
export interface Wording {
  readonly type: KnowledgeType;
  readonly content: string;
  readonly appliesWhen: string;
  readonly tags: readonly string[];
}

const MAX_NAME_CHARS = 60;
const MAX_CODE_CHARS = 110;
const MAX_ERROR_CHARS = 90;

/** Says a change as an instruction with its condition. Undefined when it cannot be said briefly or its code would not survive cleaning unchanged. */
export function wordingOf(tool: string, change: Change, error: string): Wording | undefined {
  const [before, after, subject] = [oneLine(change.before), oneLine(change.after), oneLine(change.subject)];
  // A cleaned example would be a wrong example, so code that needs cleaning is not quoted at all.
  if ([before, after].some((text) => cleanQuote(text, MAX_CODE_CHARS) !== text)) return undefined;
  if ([subject, tool].some((text) => cleanQuote(text, MAX_NAME_CHARS) !== text) || tool === "") return undefined;
  const rule = ruleOf(change, { before, after, subject }, error);
  const quote = fewWords(cleanQuote(error, MAX_ERROR_CHARS)).replaceAll('"', "'");
  const because = quote === "" ? "" : ` ${rule.otherwise} it failed with "${quote}".`;
  const content = `In ${tool}, ${rule.says}.${because}`;
  if (content.length > MAX_CONTENT_CHARS) return undefined;
  const call = change.language === "sql" ? "query" : change.language === "command" ? "command" : "call";
  return {
    type: rule.type ?? "skill",
    content,
    appliesWhen: `a ${tool} ${call} ${rule.when}`,
    tags: [...new Set([tool, subject].filter((tag) => tag !== "" && tag.length <= MAX_NAME_CHARS))],
  };
}

/** Fewer than what counts as copied: an error is enough to be recognised, and too short to be an instruction of whoever wrote it. */
function fewWords(quote: string): string {
  const words = [...quote.matchAll(/[\p{L}\p{N}_]+/gu)];
  const last = words[COPIED_TOKENS - 2];
  return last === undefined || words.length < COPIED_TOKENS ? quote : `${quote.slice(0, last.index + last[0].length)}…`;
}

interface Rule {
  readonly says: string;
  readonly otherwise: string;
  readonly when: string;
  readonly type?: KnowledgeType;
}

function ruleOf(change: Change, { before, after, subject }: { before: string; after: string; subject: string }, error: string): Rule {
  switch (change.kind) {
    case "quote":
      return {
        says: `compare ${subject} with quoted text: write ${after}, not ${before}`,
        otherwise: "Unquoted",
        when: `filters on ${subject}`,
      };
    case "unquote":
      return {
        says: `compare ${subject} with a number, unquoted: write ${after}, not ${before}`,
        otherwise: "Quoted",
        when: `filters on ${subject}`,
      };
    case "format":
      return change.language === "sql"
        ? { says: `write ${subject} values as in ${after}, not as in ${before}`, otherwise: "Otherwise", when: `filters on ${subject}` }
        : { says: `write ${subject} like ${after}, not like ${before}`, otherwise: "Otherwise", when: `passes ${subject}` };
    case "rename":
      return {
        says: `the ${nounOf(error, before, change)} is ${after}, not ${before}`,
        otherwise: `With ${before}`,
        when: `needs ${after} (${before})`,
      };
    case "expression":
      return {
        says: `use ${after}, not ${before}`,
        otherwise: "Otherwise",
        when: subject === "" ? `would use ${before}` : `uses ${subject}`,
      };
    case "quote-name":
      return { says: `write the name ${after}, not ${before}`, otherwise: "Otherwise", when: `uses ${subject}` };
    case "flag":
      return after === ""
        ? { says: `leave out ${before}`, otherwise: "With it", when: `would use ${before}`, type: "anti_pattern" }
        : { says: `add ${after}`, otherwise: "Without it", when: `may lack ${after}` };
    case "key-rename":
      return { says: `the argument is called ${after}, not ${before}`, otherwise: `With ${before}`, when: `passes ${after} (${before})` };
    case "key-add":
      return { says: `pass ${subject}, for example ${after}`, otherwise: "Without it", when: `may lack ${subject}` };
    case "key-remove":
      return { says: `do not pass ${before}`, otherwise: "With it", when: `would pass ${before}`, type: "anti_pattern" };
    case "type":
      return {
        says: `pass ${subject} as a ${change.key[3] ?? "value"}: ${after}, not ${before}`,
        otherwise: "Otherwise",
        when: `passes ${subject}`,
      };
  }
}

/** What the error calls the thing that was renamed. */
function nounOf(error: string, before: string, { language }: Change): string {
  const noun = /\b(column|table|function|field|view|index|command|option|module|variable|attribute|key)\b/i.exec(error)?.[1]?.toLowerCase();
  if (noun !== undefined) return noun;
  return language === "command" && before !== "" ? "word" : "name";
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
