import { type Change, type Finding, ONLY_VALUE, OTHER_QUESTION, TOO_DIFFERENT } from "./change.ts";
import { diff, type Hunk, type Level, similarity } from "./diff.ts";
import { areSimilarNames, mentions } from "./names.ts";
import { isKeyword, looksLikeSql, MAX_TOKENS, type Node, namesIn, parse, patternOf } from "./parse.ts";
import { formatChange } from "./value-format.ts";

/** Below this share of common tokens two texts are two questions, not one question and its repair. */
const MIN_SIMILARITY = 0.3;

/** More than this on either side is a rewrite; the longest useful rule seen (a date range for substr) has 8. */
const MAX_HUNK_NODES = 12;

/** What changed between a failing and a working query or command, place by place. `error` is what the failing one said. */
export function textChanges(before: string, after: string, error: string): readonly Finding[] {
  const sql = looksLikeSql(before) && looksLikeSql(after);
  const a = parse(before, sql);
  const b = parse(after, sql);
  if (a === undefined || b === undefined) return [{ reason: `a text has more than ${MAX_TOKENS} tokens` }];
  if (similarity(a, b) < MIN_SIMILARITY) return [TOO_DIFFERENT];
  const hunks = diff({ nodes: a, text: before }, { nodes: b, text: after });
  return hunks.flatMap((hunk) => findingOf(hunk, error, sql) ?? []);
}

function findingOf(hunk: Hunk, error: string, sql: boolean): Finding | undefined {
  const old = hunk.before.nodes.slice(...hunk.beforeRange);
  const fresh = hunk.after.nodes.slice(...hunk.afterRange);
  if ([...old, ...fresh].every((node) => node.key === ";")) return undefined;
  if (old.length > MAX_HUNK_NODES || fresh.length > MAX_HUNK_NODES) return TOO_DIFFERENT;
  const finding = replaced(hunk, old, fresh, error, sql) ?? added(hunk, old, fresh, error);
  return "kind" in finding ? { ...finding, language: sql ? "sql" : "command" } : finding;
}

function replaced(hunk: Hunk, old: readonly Node[], fresh: readonly Node[], error: string, sql: boolean): Finding | undefined {
  const [a] = old;
  const [b] = fresh;
  if (a === undefined || b === undefined) return undefined;
  if (old.length === 1 && fresh.length === 1) {
    if (isLiteral(a) && isLiteral(b)) return literal(hunk, a, b);
    if (a.kind === "word" && b.kind === "string" && comparedAt(hunk) && contentOf(b) === a.text) return literal(hunk, a, b);
  }
  const written = (nodes: readonly Node[], level: Level): string => level.text.slice(nodes[0]?.start ?? 0, nodes.at(-1)?.end ?? 0);
  const [before, after] = [written(old, hunk.before), written(fresh, hunk.after)];
  if (bare(before) === bare(after) && bare(before) !== "") {
    return {
      kind: "quote-name",
      key: ["quote-name", bare(before), after.replace(/[\p{L}\p{N}_ ]+/gu, "x")],
      subject: bare(before),
      before,
      after,
    };
  }
  if (a.kind === "word" && b.kind === "word" && old.length === 1 && fresh.length === 1) return renamed(hunk, a, b, error, sql);
  return rewritten(hunk, old, fresh);
}

/** One value written differently. */
function literal(hunk: Hunk, a: Node, b: Node): Finding {
  const subject = subjectOf(hunk.after, hunk.afterRange[0]);
  const [before, after] = [contentOf(a), contentOf(b)];
  const format = before === after ? undefined : formatChange(before, after);
  if (subject === undefined || (before !== after && format === undefined)) return ONLY_VALUE;
  const example = (level: Level, [at, to]: readonly [number, number]): string => {
    const from = subjectOf(level, at)?.node.start ?? 0;
    const end = level.outer === undefined ? level.nodes[to - 1]?.end : level.outer.level.nodes[level.outer.at]?.end;
    return level.text.slice(from, end);
  };
  const common = {
    subject: subject.name,
    before: example(hunk.before, hunk.beforeRange),
    after: example(hunk.after, hunk.afterRange),
  };
  if (format !== undefined) return { kind: "format", key: ["format", subject.name, format.before, format.after], ...common };
  const quoted = b.kind === "string";
  if (a.kind === b.kind) return { kind: "expression", key: ["quotes", a.text[0] ?? "", b.text[0] ?? ""], ...common };
  const key = (kind: string): readonly string[] => [kind, subject.name];
  return quoted
    ? { kind: "quote", key: key("quote"), reverseKey: key("unquote"), ...common }
    : { kind: "unquote", key: key("unquote"), reverseKey: key("quote"), ...common };
}

function renamed(hunk: Hunk, a: Node, b: Node, error: string, sql: boolean): Finding {
  const similar = areSimilarNames(a.text, b.text);
  const named = mentions(error, a.text);
  if (isKeyword(a.text) || isKeyword(b.text)) return named ? rewrittenAs(hunk, [a], [b], [a.key, b.key]) : OTHER_QUESTION;
  // In a query a name belongs to the schema. In a command most words are values, so the error naming one is not enough, except for the program itself.
  const isProgram = hunk.before.outer === undefined && hunk.beforeRange[0] === 0;
  if (!(similar || (named && (sql || isProgram)))) return named || !sql ? ONLY_VALUE : OTHER_QUESTION;
  return {
    kind: "rename",
    key: ["rename", a.key, b.key],
    reverseKey: ["rename", b.key, a.key],
    subject: b.text,
    before: a.text,
    after: b.text,
  };
}

/** Another expression on the same column. A comparison takes its column along, so that `= 'a'` -> `LIKE '%a%'` is about something. */
function rewritten(hunk: Hunk, old: readonly Node[], fresh: readonly Node[]): Finding {
  const [first] = fresh;
  const compares = [old[0], first].some((node) => node !== undefined && isComparison(node));
  if (compares && old.every(isOrder) && fresh.every(isOrder)) return OTHER_QUESTION;
  const [a, b] = compares ? [withSubject(hunk.before, hunk.beforeRange), withSubject(hunk.after, hunk.afterRange)] : [old, fresh];
  const shared = namesIn(b).find((name) => namesIn(a).includes(name));
  if (shared === undefined) return namesIn(a).length === 0 && namesIn(b).length === 0 ? ONLY_VALUE : OTHER_QUESTION;
  const [from, to] = [patternOf(a), patternOf(b)];
  if (from === to) return ONLY_VALUE;
  return rewrittenAs(hunk, a, b, [from, to], shared);
}

function rewrittenAs(
  hunk: Hunk,
  old: readonly Node[],
  fresh: readonly Node[],
  [from, to]: readonly [string, string],
  subject = "",
): Change {
  return {
    kind: "expression",
    key: ["expression", from, to],
    reverseKey: ["expression", to, from],
    subject,
    before: hunk.before.text.slice(old[0]?.start, old.at(-1)?.end),
    after: hunk.after.text.slice(fresh[0]?.start, fresh.at(-1)?.end),
  };
}

/** Something was only added or only left out. Mostly that is another question; a flag, a qualifier or what the error names is a rule. */
function added(hunk: Hunk, old: readonly Node[], fresh: readonly Node[], error: string): Finding {
  const nodes = old.length > 0 ? old : fresh;
  const level = old.length > 0 ? hunk.before : hunk.after;
  const text = level.text.slice(nodes[0]?.start, nodes.at(-1)?.end);
  const next = hunk.after.nodes[hunk.afterRange[1]];
  if (old.length === 0 && fresh.at(-1)?.text === "." && next?.kind === "word" && mentions(error, next.text)) {
    return rewrittenAs(
      hunk,
      [hunk.before.nodes[hunk.beforeRange[0]] ?? next],
      [...fresh, next],
      [next.key, `${patternOf(fresh)} ${next.key}`],
      next.text,
    );
  }
  const isFlag = nodes[0]?.kind === "flag" && nodes.length <= 3;
  const named = nodes.length <= 4 && nodes.some((node) => (node.kind === "word" || node.kind === "flag") && mentions(error, node.text));
  if (!(named || (isFlag && old.length === 0))) return OTHER_QUESTION;
  const pattern = patternOf(nodes);
  return {
    kind: "flag",
    key: [old.length === 0 ? "add" : "remove", pattern],
    reverseKey: [old.length === 0 ? "remove" : "add", pattern],
    subject: nodes[0]?.text ?? "",
    before: old.length > 0 ? text : "",
    after: old.length > 0 ? "" : text,
  };
}

/** The column or expression that the node at `at` is compared with: the nearest name to its left, seen through comparisons, lists and brackets. */
function subjectOf(level: Level, at: number): { readonly node: Node; readonly name: string } | undefined {
  for (let index = at - 1; index >= 0; index--) {
    const node = level.nodes[index];
    if (node === undefined) return undefined;
    if (isLiteral(node) || node.text === "," || isComparison(node) || node.key.toLowerCase() === "and") continue;
    const names = namesIn([node]);
    const name = names.at(-1);
    return name === undefined ? undefined : { node, name };
  }
  return level.outer === undefined ? undefined : subjectOf(level.outer.level, level.outer.at);
}

function withSubject(level: Level, [from, to]: readonly [number, number]): readonly Node[] {
  const subject = subjectOf(level, from);
  const at = subject === undefined ? -1 : level.nodes.indexOf(subject.node);
  const next = level.nodes[to];
  const value = to === from + 1 && next !== undefined && (isLiteral(next) || next.key.toLowerCase() === "null") ? [next] : [];
  return [...level.nodes.slice(at === -1 ? from : at, to), ...value];
}

function comparedAt(hunk: Hunk): boolean {
  const left = hunk.after.nodes[hunk.afterRange[0] - 1];
  return (
    (left !== undefined && isComparison(left)) ||
    (hunk.after.outer !== undefined && subjectOf(hunk.after, hunk.afterRange[0]) !== undefined)
  );
}

function isLiteral(node: Node): boolean {
  return node.kind === "number" || node.kind === "string";
}

function isComparison(node: Node): boolean {
  return /^(?:[=<>!~]{1,3}|<>|like|ilike|glob|in|is|not|between)$/i.test(node.text);
}

function isOrder(node: Node): boolean {
  return /^[<>]=?$/.test(node.text);
}

function contentOf(node: Node): string {
  return node.kind === "string" ? node.text.slice(1, -1) : node.text;
}

/** A name without quotes and brackets. */
function bare(text: string): string {
  return text.replace(/["'`[\]]/g, "").trim();
}
