import type { Lesson } from "./lesson.ts";

/**
 * Words that send the reader to something he does not have: whoever is given a lesson sees neither the run it was read from nor the other lessons. Narrow on purpose:
 * test/unit/lesson/self-contained.test.ts lists what must be refused and what must not; a wrong refusal loses a lesson that was paid for.
 */
const POINTERS: readonly RegExp[] = [
  /\b(?:as|like|see)\s+(?:\w+\s+)?(?:above|below|earlier|before|previously)\b(?!\s+(?:the|a|an|any|each|every|all|your|it|you|\w+ing)\b)/i,
  /\b(?:mentioned|described|shown|listed|seen|noted|discussed|stated|explained|said)\s+(?:above|below|earlier|before|previously)\b/i,
  /\bthe\s+(?:above|aforementioned)\b(?!-)/i,
  /\b(?:the|this|that|these|those)\s+(?:previous|preceding|earlier|prior)\s+(?:steps?|runs?|tasks?|questions?|examples?|conversations?|traces?|lessons?|rules?)\b/i,
  /\b(?:this|these|those)\s+(?:tasks?|questions?|runs?|traces?|conversations?|examples?|sessions?|failures?|transcripts?)\b/i,
  /\b(?:in|at|from|of|see|like|after)\s+(?:step|run|trace|attempt|example)s?\s+#?\d+\b|\((?:see\s+)?(?:step|run|trace)s?\s+#?\d+\)/i,
  /\bsame(?:\s+\w+){0,2}\s+as\s+(?:before|above|earlier|previously|last\s+time|in\s+the\s+(?:previous|last|first))\b/i,
  /\bas\s+(?:we|i|you)\s+(?:did|saw|said|mentioned|noted)\b/i,
];

/** A first word that stands for something said before. A condition may well begin so: "it must be known when a race began". */
const OPENERS: readonly RegExp[] = [
  /^\s*(?:it|this|that|they|these|those)\s+(?:is|was|are|were|must|should|means?|fails?|failed|will|can|cannot|has|have|had|needs?|happens?|does|did)\b/i,
  /^\s*(?:ditto|same\s+(?:here|as))\b/i,
];

/** Why a text cannot be understood by itself, as the end of "the lesson …"; undefined when it can. */
export function pointsOutside({ content, appliesWhen }: Pick<Lesson, "content" | "appliesWhen">): string | undefined {
  const found = [...[...POINTERS, ...OPENERS].map((words) => words.exec(content)), ...POINTERS.map((words) => words.exec(appliesWhen))];
  const first = found.find((match) => match !== null)?.[0].trim();
  return first === undefined ? undefined : `points outside itself ("${first.slice(0, 60)}")`;
}

/** Numbers of three digits or more, names of several words, and what is quoted: these belong to a question, not to its kind. */
const VALUE =
  /(?<![\p{L}\p{N}_])(?:\d[\d.,:-]*\d{2,}|\p{Lu}[\p{Ll}'-]+(?:\s+\p{Lu}[\p{Ll}'-]+)+)(?![\p{L}\p{N}_])|"([^"\n]{3,80})"|(?<![\p{L}\p{N}])'([^'\n]{3,80})'(?![\p{L}\p{N}])/gu;

/**
 * A condition that holds for one question only: it names a value that stands in a single one of the tasks the lesson was read from. A value that two different
 * tasks share is their subject. Only the condition is looked at; the content may well give an example.
 */
export function namesOneQuestion({ appliesWhen }: Pick<Lesson, "appliesWhen">, tasks: readonly string[]): string | undefined {
  const distinct = [...new Set(tasks)];
  const said = appliesWhen.toLowerCase();
  for (const task of distinct) {
    for (const match of task.slice(0, 4_000).matchAll(VALUE)) {
      const value = (match[1] ?? match[2] ?? match[0]).replace(
        /^(?:The|A|An|In|On|At|For|What|Which|Who|When|Where|How|Did|Does|Is|Was)\s+/u,
        "",
      );
      const isShared = distinct.filter((other) => other.includes(value)).length > 1;
      if (isShared || !hasWhole(said, value.toLowerCase())) continue;
      return `applies to one question only: its condition names "${value.slice(0, 60)}"`;
    }
  }
  return undefined;
}

function hasWhole(text: string, value: string): boolean {
  for (let at = text.indexOf(value); at !== -1; at = text.indexOf(value, at + 1)) {
    const [before, after] = [text[at - 1] ?? " ", text[at + value.length] ?? " "];
    if (!/[\p{L}\p{N}_]/u.test(before) && !/[\p{L}\p{N}_]/u.test(after)) return true;
  }
  return false;
}
