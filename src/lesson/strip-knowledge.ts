import type { AttributeValue } from "../span/raw-span.ts";
import type { JudgedTrace } from "./ports.ts";

/**
 * Removes what injection and export write for agents, so that the loop does not learn its own rules back: the blocks of every injector and of recall_knowledge, the
 * section of an AGENTS.md, a SKILL.md of ours; also where JSON or HTML escaped it on the way. Of a block that was cut, everything up to the cut goes: reading a
 * rule as if the agent had found it is worse than losing some words. Linear in the text.
 */
export function stripKnowledge(text: string): string {
  return withoutItemLines(withoutSkillFile(withoutBlocks(text)));
}

/** The same trace without our own words, in every text that analyzers read. */
export function stripTrace({ trace, outcome, kept }: JudgedTrace): JudgedTrace {
  const steps = trace.steps.map((step) => ({
    ...step,
    input: stripKnowledge(step.input),
    output: stripKnowledge(step.output),
    ...(step.arguments === undefined ? {} : { arguments: stripValue(step.arguments) }),
    ...(step.error === undefined ? {} : { error: { ...step.error, message: stripKnowledge(step.error.message) } }),
  }));
  return {
    trace: {
      ...trace,
      ...(trace.error === undefined ? {} : { error: { ...trace.error, message: stripKnowledge(trace.error.message) } }),
      task: stripKnowledge(trace.task),
      output: stripKnowledge(trace.output),
      steps,
    },
    ...(kept === undefined ? {} : { kept }),
    ...(outcome === undefined ? {} : { outcome: { ...outcome, reasoning: stripKnowledge(outcome.reasoning) } }),
  };
}

/** An equals sign, an opening and a closing angle bracket, as they are and as some writers of JSON or HTML write them. */
const EQUALS = "(?:=|\\\\{1,15}u003d)";
const OPEN = "(?:<|\\\\{1,15}u003c|&lt;)";
const CLOSE = "(?:>|\\\\{1,15}u003e|&gt;)";
const NAMES = "CORE RULES|RELEVANT KNOWLEDGE|KNOWLEDGE INDEX|TRIAL KNOWLEDGE";
/** Where a block begins or ends; group 1 and 3 say that it ends, 2 which block it is. */
const MARK = new RegExp(`${EQUALS}{3} (END )?(${NAMES})(?: ${EQUALS}{3})?|${OPEN}!-- agentlearn:(?:begin|(end)) --${CLOSE}`, "gi");

function withoutBlocks(text: string): string {
  let kept = "";
  let at = 0;
  let open: string | undefined;
  for (const mark of text.matchAll(MARK)) {
    const name = mark[2]?.toUpperCase() ?? "section";
    const ends = mark[1] !== undefined || mark[3] !== undefined;
    if (ends && open !== undefined && open !== name) continue;
    // An end without a beginning: what stands before it is the rest of a block that was cut at its head.
    if (!ends && open === undefined) kept += text.slice(at, mark.index);
    at = mark.index + mark[0].length;
    open = ends ? undefined : name;
  }
  if (open !== undefined) return kept.trimEnd();
  return at === 0 ? text : (kept + text.slice(at)).trim();
}

/** The head of a skill file of ours, by our key in it, or by the name we give where the key was cut away. Another tool's skill is the agent's own business. */
const SKILL_HEAD = /---(?:\n|\\{1,15}n)name: [a-z0-9-]{0,64}?-[0-9a-f]{8}(?:\n|\\{1,15}n)description:|agentlearn-id:/g;
const MAX_HEAD_CHARS = 4_096;

/** From the head to the end of the file; inside JSON to the end of the string that holds it. */
function withoutSkillFile(text: string): string {
  let kept = "";
  let at = 0;
  for (const { 0: sign, index } of text.matchAll(SKILL_HEAD)) {
    if (index < at) continue;
    const first = Math.max(at, index - MAX_HEAD_CHARS);
    const head = sign.startsWith("---") ? index : first + Math.max(0, text.slice(first, index).lastIndexOf("---"));
    kept += text.slice(at, head);
    const end = /^---\\{1,15}n/.test(text.slice(head, head + 20)) ? endOfString(text, index) : -1;
    if (end === -1) return kept.trimEnd();
    at = end;
  }
  return at === 0 ? text : kept + text.slice(at);
}

/** The first quote that nothing escapes; -1 for none. */
function endOfString(text: string, from: number): number {
  let at = text.indexOf('"', from);
  while (at > 0 && text[at - 1] === "\\") at = text.indexOf('"', at + 1);
  return at;
}

/** The line above each item, which stays when both marks of its block were cut away. */
const ITEM_LINE =
  /\[(?:SKILL|CHECKLIST|ROUTING_RULE|ANTI_PATTERN|CODE_TEMPLATE)\] [0-9a-f]{8}(?: \((?:new|effectiveness: \d+%)\)|(?=\n|\\{1,15}n|$))/;

function withoutItemLines(text: string): string {
  const line = text.search(ITEM_LINE);
  return line === -1 ? text : text.slice(0, line).trimEnd();
}

function stripValue(value: AttributeValue): AttributeValue {
  if (typeof value === "string") return stripKnowledge(value);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(stripValue);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, stripValue(inner)]));
}
