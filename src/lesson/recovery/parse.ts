/** A piece of code or query text. Brackets nest, so that an expression is compared as one thing. */
export interface Node {
  readonly kind: "word" | "number" | "string" | "flag" | "operator" | "call" | "group";
  /** Equal for nodes that mean the same; words of SQL ignore case. */
  readonly key: string;
  /** As written. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** The inside of a call or group. */
  readonly children: readonly Node[];
}

/** Most tokens one text may have; comparing costs the product of two. */
export const MAX_TOKENS = 400;

/** Undefined when the text has more than MAX_TOKENS tokens. Never throws: a bracket that does not close is an operator's business, not ours. */
export function parse(text: string, ignoreCase: boolean): readonly Node[] | undefined {
  const tokens = tokenise(text, ignoreCase);
  if (tokens === undefined) return undefined;
  const root: Frame = { close: "", nodes: [] };
  const stack: Frame[] = [root];
  for (const token of tokens) {
    const frame = stack.at(-1) ?? root;
    const close = token.kind === "operator" ? CLOSING.get(token.text) : undefined;
    if (close !== undefined) {
      const before = frame.nodes.at(-1);
      const isCall = token.text === "(" && before?.kind === "word" && before.end === token.start && !isKeyword(before.text);
      if (isCall) frame.nodes.pop();
      stack.push({ close, nodes: [], open: token, ...(isCall && before !== undefined ? { name: before } : {}) });
    } else if (stack.length > 1 && token.text === frame.close) {
      stack.pop();
      (stack.at(-1) ?? root).nodes.push(closed(frame, token.end, text));
    } else {
      frame.nodes.push(token);
    }
  }
  for (let frame = stack.pop(); frame !== undefined && stack.length > 0; frame = stack.pop()) {
    (stack.at(-1) ?? root).nodes.push(closed(frame, frame.nodes.at(-1)?.end ?? frame.open?.end ?? 0, text));
  }
  return root.nodes;
}

export function isKeyword(word: string): boolean {
  return KEYWORDS.has(word.toLowerCase());
}

/** True for text that starts like an SQL statement. */
export function looksLikeSql(text: string): boolean {
  return /^\s*(?:select|with|insert|update|delete|replace|create|explain|pragma|merge)\s/i.test(text);
}

/** Every name that the nodes use, without function names and keywords; a quoted identifier counts without its quotes. */
export function namesIn(nodes: readonly Node[]): readonly string[] {
  return nodes.flatMap((node) => {
    if (node.kind === "word") return isKeyword(node.text) ? [] : [node.key];
    return node.children.length > 0 ? namesIn(node.children) : [];
  });
}

/** The nodes as a pattern in which values are holes. Inside a call, numbers and format strings are part of how it is written and stay. */
export function patternOf(nodes: readonly Node[], inCall = false): string {
  const parts = nodes.map((node) => {
    if (node.kind === "number") return inCall ? node.text : "?";
    if (node.kind === "string") return inCall && /%[a-z]/i.test(node.text) ? node.text : "?";
    if (node.kind === "call") return `${node.key.slice(0, node.key.indexOf("("))}(${patternOf(node.children, true)})`;
    return node.kind === "group" ? `(${patternOf(node.children, inCall)})` : node.key;
  });
  // A list of values is one value as far as the way of writing is concerned.
  return inCall ? parts.join(" ") : parts.join(" ").replace(/\?(?: , \?)+/g, "?");
}

interface Frame {
  readonly close: string;
  readonly nodes: Node[];
  readonly open?: Node;
  readonly name?: Node;
}

const CLOSING: ReadonlyMap<string, string> = new Map([
  ["(", ")"],
  ["[", "]"],
  ["{", "}"],
]);

function closed({ nodes, open, name }: Frame, end: number, text: string): Node {
  const start = name?.start ?? open?.start ?? 0;
  const inside = nodes.map((node) => node.key).join(" ");
  return {
    kind: name === undefined ? "group" : "call",
    key: `${name?.key ?? ""}${open?.text ?? "("}${inside}`,
    text: text.slice(start, end),
    start,
    end,
    children: nodes,
  };
}

// Sticky and one token at a time; no alternative can match the same text in two ways, so it is linear.
const TOKEN =
  /(?<space>\s+)|(?<string>'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`[^`]*`)|(?<number>\d+(?:\.\d+)?(?![\p{L}_]))|(?<word>[\p{L}\p{N}_$]+)|(?<operator><=|>=|<>|!=|==|=>|\|\||&&|::|->>?|:=|[\s\S])/uy;
const FLAG = /--?[A-Za-z][\w-]*/y;

function tokenise(text: string, ignoreCase: boolean): readonly Node[] | undefined {
  const tokens: Node[] = [];
  let at = 0;
  while (at < text.length) {
    if (tokens.length >= MAX_TOKENS) return undefined;
    const flag = at === 0 || /\s/.test(text[at - 1] ?? "") ? stickyAt(FLAG, text, at) : null;
    const match = flag ?? stickyAt(TOKEN, text, at);
    if (match === null) break;
    const start = at;
    at += match[0].length;
    if (match.groups?.["space"] !== undefined) continue;
    const kind = flag !== null ? "flag" : kindOf(match);
    tokens.push({
      kind,
      key: kind === "word" && ignoreCase ? match[0].toLowerCase() : match[0],
      text: match[0],
      start,
      end: at,
      children: [],
    });
  }
  return tokens;
}

function stickyAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

function kindOf(match: RegExpExecArray): "string" | "number" | "word" | "operator" {
  if (match.groups?.["string"] !== undefined) return "string";
  if (match.groups?.["number"] !== undefined) return "number";
  return match.groups?.["word"] !== undefined ? "word" : "operator";
}

const KEYWORDS: ReadonlySet<string> = new Set(
  (
    "select from where and or not in is null like glob ilike between exists case when then else end as on join left right inner outer full cross using " +
    "group by order having limit offset union all distinct values into set insert update delete create table with over partition asc desc any"
  ).split(" "),
);
