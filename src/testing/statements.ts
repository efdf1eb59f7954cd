/** One sentence of a prompt, with the sentence that came before it in the same line or list item. */
export interface Statement {
  readonly text: string;
  /** True when it starts a line or a list item, so that nothing before it says what it is about. */
  readonly opens: boolean;
}

const ENTITIES: { readonly [entity: string]: string } = {
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&apos;": "'",
  "&#39;": "'",
  "&#x27;": "'",
  "&amp;": "&",
};
/** Lines that frame a list of instructions and are none themselves. */
const FRAME = /^(?:===|---|<|\[[A-Z_]+\]|applies when\b)/i;
/** What a reader keeps of one sentence. */
const MAX_STATEMENT_CHARACTERS = 600;
const LIST_MARK = /^\s*(?:[-*•+]|\d+[.)]|#+)\s+/;

/** Cuts a prompt into sentences, in plain characters: straight quotes, no escapes, no backticks. */
export function readStatements(prompt: string): readonly Statement[] {
  return joinWrappedLines(plain(prompt)).flatMap((line) =>
    line
      .split(/(?<=[.!?]['")]?)(?<!\b(?:e\.g|i\.e|etc|vs)\.)\s+(?=[\p{Lu}\p{Ll}'"(<])/u)
      .map((sentence) => sentence.trim())
      .filter((sentence) => sentence !== "")
      .map((text, index) => ({ text: text.slice(0, MAX_STATEMENT_CHARACTERS).replace(/[.!]+$/, ""), opens: index === 0 })),
  );
}

function plain(prompt: string): string {
  return prompt
    .replace(/&(?:lt|gt|quot|apos|amp|#39|#x27);/g, (entity) => ENTITIES[entity] ?? entity)
    .replace(/[‘’‚′]/g, "'")
    .replace(/[“”„«»]/g, '"')
    .replace(/[–—]/g, " - ")
    .replace(/≤/g, "<=")
    .replaceAll("`", "")
    .replace(/"(\d+)"/g, "'$1'")
    .replaceAll('"', "")
    .replaceAll("**", "");
}

/** A line that does not start a list item goes on with the one above, unless that one has ended its sentence or one of them is a frame. */
function joinWrappedLines(text: string): readonly string[] {
  const lines: string[] = [];
  let open = false;
  for (const raw of text.split("\n")) {
    const line = raw.trim();
    const last = lines.at(-1);
    if (line !== "" && open && last !== undefined && !LIST_MARK.test(raw) && !FRAME.test(line)) lines[lines.length - 1] = `${last} ${line}`;
    else if (line !== "") lines.push(raw.replace(LIST_MARK, "").trim());
    open = line !== "" && !FRAME.test(line) && !/[.!?:]$/.test(line);
  }
  return lines;
}
