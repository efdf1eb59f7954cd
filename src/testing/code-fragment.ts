/**
 * Finds bits of SQL inside prose. Deliberately loose: a bare word is a fragment too, and what it means is decided by the reader.
 * A quote that follows a letter is an apostrophe, not the start of a text.
 */
const LITERAL = String.raw`(?<![A-Za-z0-9])'[^'\n]{0,40}'(?![A-Za-z])|(?<![\w'])\d+(?:\.\d+)?(?![\w'])`;
// Whole words only, and short brackets: otherwise a long run of letters or brackets costs its length squared.
const WORD = String.raw`(?<!\w)[A-Za-z_]\w*(?!\w)`;
const CALL = String.raw`${WORD}\((?:[^()]|\([^()]{0,80}\)){0,120}\)`;
const OPERAND = `(?:${CALL}|${LITERAL}|${WORD})`;
const LIST = String.raw`\((?:[^()]|\([^()]{0,80}\)){0,120}\)`;
const COMPARISON = String.raw`${OPERAND}\s*(?:(?:<=|>=|<>|!=|=|<|>)\s*(?:${OPERAND})|\s(?:NOT )?IN\s*${LIST}|\s(?:NOT )?LIKE\s*(?:${LITERAL}))`;

/** Source of a regular expression, without groups of its own that capture. */
export const FRAGMENT: string = `(?:${COMPARISON}|${CALL}|${LITERAL}|${WORD})`;
export const COMPARISON_FRAGMENT: string = COMPARISON;
export const CALL_FRAGMENT: string = CALL;

export type Fragment =
  | { readonly type: "name"; readonly name: string }
  | { readonly type: "literal"; readonly quoted: boolean; readonly value: string }
  | { readonly type: "call"; readonly name: string }
  | { readonly type: "comparison"; readonly left: string; readonly operator: string; readonly right: string };

const KEYWORDS = new Set(["select", "from", "where", "and", "or", "not", "null", "order", "group", "by", "limit", "as"]);

/** What a fragment is. Undefined for an SQL keyword. */
export function readFragment(source: string): Fragment | undefined {
  const text = source.trim();
  const comparison = new RegExp(`^(${OPERAND})\\s*(<=|>=|<>|!=|=|<|>|(?:NOT )?IN\\b|(?:NOT )?LIKE\\b)\\s*(.+)$`, "is").exec(text);
  if (comparison !== null) {
    const [, left = "", operator = "", right = ""] = comparison;
    return { type: "comparison", left, operator: operator.toUpperCase(), right };
  }
  if (/^'.*'$/s.test(text)) return { type: "literal", quoted: true, value: text.slice(1, -1) };
  if (/^\d/.test(text)) return { type: "literal", quoted: false, value: text };
  const call = new RegExp(`^(${WORD})\\(`).exec(text);
  if (call !== null) return { type: "call", name: (call[1] ?? "").toLowerCase() };
  return KEYWORDS.has(text.toLowerCase()) ? undefined : { type: "name", name: text };
}

/** True for `'1'` and for lists of such; false for bare numbers; undefined for anything else. */
export function holdsQuotedNumbers(source: string): boolean | undefined {
  if (/^\(?\s*'\d+'(?:\s*,\s*'\d+')*\s*\)?$/.test(source.trim())) return true;
  return /^\(?\s*\d+(?:\s*,\s*\d+)*\s*\)?$/.test(source.trim()) ? false : undefined;
}
