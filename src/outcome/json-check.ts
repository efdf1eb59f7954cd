import type { TraceCheck } from "./ports.ts";

export interface JsonCheckOptions {
  /** True: an answer without any JSON fails. Default false: it says nothing about such an answer. */
  readonly required?: boolean;
}

/**
 * Whether the JSON in an answer can be read: the whole answer where it is JSON, else every block fenced as json. A block of another language is code and no
 * bad JSON, and neither is one without a language that does not read as JSON: about those it says nothing, or, when JSON is `required`, that there is none.
 */
export function jsonCheck({ required = false }: JsonCheckOptions = {}): TraceCheck {
  return {
    name: "json",
    check({ output }) {
      const { read, broken } = jsonIn(output);
      if (broken !== undefined) return { score: 0, reason: `the JSON in the answer can't be read: ${broken}` };
      if (read) return { score: 1, reason: "the JSON in the answer can be read" };
      return required ? { score: 0, reason: "there is no JSON in the answer" } : undefined;
    },
  };
}

function jsonIn(output: string): { readonly read: boolean; readonly broken?: string } {
  const text = output.trim();
  if (problemOf(text) === undefined) return { read: isDocument(text) };
  const blocks = fencedBlocks(text);
  const named = blocks.filter(({ language }) => /^(?:json|jsonc?|json5|application\/json)$/i.test(language));
  for (const { code } of named) {
    const problem = problemOf(code);
    if (problem !== undefined) return { read: false, broken: problem };
  }
  if (named.length > 0) return { read: true };
  if (blocks.some(({ language, code }) => language === "" && problemOf(code) === undefined && isDocument(code))) return { read: true };
  // An answer that begins as JSON and has no fence was meant to be it. "{" alone begins code and templates, too.
  if (blocks.length === 0 && /^(?:\{\s*(?:"|\})|\[\s*(?:["{[\]\d-]|true|false|null))/.test(text)) {
    return { read: false, broken: problemOf(text) ?? "" };
  }
  return { read: false };
}

/** A lone word or number is JSON, and prose as well. */
function isDocument(text: string): boolean {
  return /^[{[]/.test(text.trim());
}

function problemOf(text: string): string | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (caught) {
    return (caught as Error).message.slice(0, 120);
  }
}

/** Blocks as CommonMark has them: three or more backticks or tildes, closed by as many, or by the end. Line by line, so that hostile text costs no more. */
function fencedBlocks(text: string): readonly { readonly language: string; readonly code: string }[] {
  const blocks: { language: string; code: string }[] = [];
  let open: { fence: string; language: string; lines: string[] } | undefined;
  const close = (): void => {
    if (open !== undefined) blocks.push({ language: open.language, code: open.lines.join("\n") });
    open = undefined;
  };
  for (const line of text.split(/\r?\n/)) {
    const [, fence = "", rest = ""] = /^ {0,3}(`{3,}|~{3,})(.*)$/.exec(line) ?? [];
    if (open !== undefined && fence.startsWith(open.fence) && rest.trim() === "") close();
    else if (open !== undefined) open.lines.push(line);
    else if (fence !== "") open = { fence, language: /\S*/.exec(rest.trim())?.[0] ?? "", lines: [] };
  }
  close();
  return blocks;
}
