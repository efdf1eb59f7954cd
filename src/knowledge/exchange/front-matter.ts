/** The head of a `SKILL.md`, as far as it says anything here. */
export interface FrontMatter {
  readonly fields: { readonly [key: string]: string };
  /** The map under `metadata:`. */
  readonly metadata: { readonly [key: string]: string };
  readonly body: string;
}

/**
 * Reads the head between two lines of `---`. Understood is what skill folders use: text values, plain, quoted or as a block, and one map of text under
 * `metadata`. Other nested values are passed over. A string says what is wrong and in which line; refused: a YAML parser as a dependency for five fields.
 */
export function readFrontMatter(text: string): FrontMatter | string {
  const lines = text
    .replace(/^\ufeff/, "")
    .replace(/\r\n?/g, "\n")
    .split("\n");
  if (lines[0]?.trimEnd() !== "---") return "line 1: does not begin with ---";
  const end = lines.findIndex((line, index) => index > 0 && line.trimEnd() === "---");
  if (end === -1) return "has no second line of --- that ends the head";
  const [fields, metadata]: [Record<string, string>, Record<string, string>] = [{}, {}];
  let map: Record<string, string> | undefined;
  for (let at = 1; at < end; at += 1) {
    const line = lines[at] ?? "";
    if (line.trim() === "" || line.trim().startsWith("#")) continue;
    const isNested = /^\s/.test(line);
    if (isNested && map === undefined) continue;
    const [, key = "", rest = ""] = /^\s*([\w.-]+|"[^"]*"):(?:\s+(.*))?$/.exec(line) ?? [];
    if (key === "") return `line ${at + 1}: is not "key: value"`;
    const target = isNested ? map : fields;
    if (!isNested) map = key === "metadata" && rest === "" ? metadata : undefined;
    const block = /^([|>])[+-]?\s*$/.exec(rest);
    const value = block === null ? scalar(rest) : "";
    if (value === undefined) return `line ${at + 1}: the value of ${key} is not plain or quoted text`;
    if (block === null) {
      // An empty value opens a nested one; where that is not `metadata` it says nothing here.
      if (rest !== "" && target !== undefined) target[key] = value;
      continue;
    }
    const depth = indentOf(line);
    const first = at + 1;
    while (at + 1 < end && ((lines[at + 1] ?? "").trim() === "" || indentOf(lines[at + 1] ?? "") > depth)) at += 1;
    const inside = lines.slice(first, at + 1).map((part) => part.trim());
    if (target !== undefined) target[key] = inside.join(block[1] === ">" ? " " : "\n").trim();
  }
  return {
    fields,
    metadata,
    body: lines
      .slice(end + 1)
      .join("\n")
      .trim(),
  };
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

/** Undefined for what is neither plain nor quoted text, such as a list or an anchor. */
function scalar(text: string): string | undefined {
  const trimmed = text.trim();
  if (trimmed.startsWith('"')) {
    try {
      return String(JSON.parse(trimmed));
    } catch {
      return undefined;
    }
  }
  if (trimmed.startsWith("'")) return /^'(?:[^']|'')*'$/.test(trimmed) ? trimmed.slice(1, -1).replaceAll("''", "'") : undefined;
  if (/^[&*!%@`|>]/.test(trimmed)) return undefined;
  return trimmed.replace(/\s+#.*$/, "");
}
