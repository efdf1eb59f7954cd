/** Code points that a person does not see or that change how text around them is shown: control, format (bidi, zero width, tags), private use, lone surrogates, odd separators, fillers and variation selectors. */
export const HIDDEN: RegExp =
  /\p{Cc}|\p{Cf}|\p{Co}|\p{Cs}|\p{Zl}|\p{Zp}|\u034f|[\u115f\u1160]|[\u17b4\u17b5]|[\u180b-\u180f]|\u3164|[\ufe00-\ufe0f]|\uffa0|[\u{e0000}-\u{e0fff}]/u;

/** URLs, www names and e-mail addresses. Bounded quantifiers: linear on hostile text. */
export const LINK: RegExp =
  /\b[a-z][a-z0-9+.-]{1,20}:\/\/|\bwww\.|\b(?:mailto|javascript):|\bdata:\w+\/|[\w.+-]{1,64}@[\w-]{1,63}\.[a-z]{2,}/i;

/** Anything that could pass for a role, a chat template or our own frame in a prompt. */
export const ROLE_TAG: RegExp =
  /<\/?\s*(?:system|user|assistant|developer|tool|instructions?|im_start|im_end)\b|<\|\w|\w\|>|\[\/?(?:INST|SYS)\]|<<\/?SYS>>|^\s*(?:system|user|assistant|developer)\s*:|={3}|^\s*#{2,}\s*(?:instruction|system|user|assistant)/im;

const HIDDEN_ALL = new RegExp(HIDDEN.source, "gu");
const LINK_WORD = /\S*(?:[a-z][a-z0-9+.-]{1,20}:\/\/|www\.|@[\w-]{1,63}\.[a-z]{2,})\S*/gi;
const ROLE_TAG_ALL = new RegExp(ROLE_TAG.source, "gim");

/** Text from a trace made fit for one line of a lesson: hidden code points, links and role tags are taken out, then it is cut. */
export function cleanQuote(text: string, maxChars: number): string {
  // Cut before the work so that a megabyte of tool output costs nothing; four times leaves room for what is taken out.
  const oneLine = text.slice(0, maxChars * 4).replace(/[\s\p{Cc}\p{Zl}\p{Zp}]+/gu, " ");
  const clean = oneLine.replace(HIDDEN_ALL, "").replace(LINK_WORD, "…").replace(ROLE_TAG_ALL, "…").trim();
  const points = [...clean];
  return points.length > maxChars
    ? `${points
        .slice(0, maxChars - 1)
        .join("")
        .trimEnd()}…`
    : clean;
}
