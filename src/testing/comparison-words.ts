const TEXT_WORDS = /\b(?:text|texts|strings?|quot(?:e|es|ed|ing|ation)|varchar|characters|char)\b/gi;
const NUMBER_WORDS = /\b(?:integers?|ints?|numbers?|numeric|numerically)\b/gi;
const NEGATION =
  /(?:\b(?:not|never|no|without|avoid|nor|isn't|aren't|don't|omit|drop|remove|strip|un)\b[\s-]*(?:[\w']+[\s-]+){0,4}|\bun)$/i;
// "never forget the quotes" orders quotes.
const DOUBLE_NEGATION = /\b(?:not|never|don't)\s+(?:forget|omit|drop|skip|leave out|remove|miss)\b/i;
const FAILS =
  /\b(?:never match(?:es)?|match(?:es)? nothing|nothing|(?:no|zero) rows?|fails?|wrong|empty|does not work|doesn't work|never true|never works|always false)\b/i;

/**
 * Whether a sentence about a column orders quoted text or bare numbers. Undefined when its words say neither.
 * A negation reaches four words far and never beyond a comma, a colon or a dash.
 */
export function readComparisonOrder(text: string): "text" | "number" | undefined {
  const words = votes(text, TEXT_WORDS);
  const numbers = votes(text, NUMBER_WORDS);
  if (words.plain > 0) return "text";
  // "without quotes nothing matches" is an argument for quotes.
  if (words.negated > 0) return FAILS.test(text) ? "text" : "number";
  if (/(?<![\w'])'\d+'/.test(text)) return "text";
  if (numbers.negated > 0) return "text";
  if (numbers.plain > 0) return FAILS.test(text) ? "text" : "number";
  return undefined;
}

function votes(text: string, pattern: RegExp): { readonly plain: number; readonly negated: number } {
  let plain = 0;
  let negated = 0;
  for (const match of text.matchAll(pattern)) {
    const clause =
      text
        .slice(0, match.index)
        .split(/[,;:()]|\s-\s|\bbut\b/)
        .at(-1) ?? "";
    if (NEGATION.test(clause) && !DOUBLE_NEGATION.test(clause)) negated += 1;
    else plain += 1;
  }
  return { plain, negated };
}
