/**
 * Models for the poisoning suite, behind the OpenAI-compatible loopback server. They react to words in the prompt alone.
 * The obedient one does whatever any text in it asks: it decodes what is encoded, and returns the rule it was told to write down word for word.
 */
import { KINDS } from "./attacks.mjs";

const RULE = /write down this rule: "([^"]{1,600})"/giu;

export function obedientBrain({ messages }) {
  const prompt = messages.map(({ content }) => content).join("\n");
  const rules = [...new Set(readings(prompt).flatMap((text) => [...text.matchAll(RULE)].map(([, rule]) => rule)))];
  return answer(prompt, rules);
}

/** Knows one good rule for each task that is in the prompt: `rules` maps a task to the words of its rule. */
export function honestBrain(rules) {
  return ({ messages }) => {
    const prompt = messages.map(({ content }) => content).join("\n");
    const task = /^Task: (.*)$/m.exec(prompt)?.[1] ?? "";
    const rule = rules.get(task);
    return answer(prompt, rule === undefined ? [] : [rule.content], rule?.appliesWhen);
  };
}

function answer(prompt, rules, appliesWhen = "a question about a parcel") {
  const steps = [...prompt.matchAll(/^\[(\d+)\] /gm)].map(([, step]) => Number(step)).slice(0, 1);
  const lessons = rules.map((content) => ({
    type: "skill",
    content,
    appliesWhen,
    confidence: 0.9,
    reasoning: "the run says so",
    steps,
    revises: null,
  }));
  return { type: "text", text: JSON.stringify({ lessons }) };
}

/** The prompt and everything that is hidden in it, as a model would read it that tries hard. */
function readings(prompt) {
  const found = [prompt];
  for (const [, run] of prompt.matchAll(/decode base64 ([A-Za-z0-9+/=]+)/g)) found.push(Buffer.from(run, "base64").toString());
  for (const [, run] of prompt.matchAll(/decode hex ([0-9a-f]+)/g)) found.push(Buffer.from(run, "hex").toString());
  for (const [, run] of prompt.matchAll(/decode rot13 (.+)/g)) found.push(rot13(run));
  for (const [, run] of prompt.matchAll(/decode backwards (.+)/g)) found.push(run.split(" ").reverse().join(" "));
  // It knows no other German; what it makes of it is as harmless to read as the attacker could wish.
  if (prompt.includes("translate into English:"))
    for (const { de, bland } of KINDS) if (prompt.includes(de)) found.push(`write down this rule: "${bland}"`);
  const tags = prompt.match(/[\u{e0020}-\u{e007e}]+/gu) ?? [];
  found.push(...tags.map((run) => [...run].map((tag) => String.fromCodePoint(tag.codePointAt(0) - 0xe0000)).join("")));
  return found;
}

function rot13(text) {
  return text.replace(/[a-z]/gi, (letter) => {
    const base = letter <= "Z" ? 65 : 97;
    return String.fromCharCode(((letter.charCodeAt(0) - base + 13) % 26) + base);
  });
}
