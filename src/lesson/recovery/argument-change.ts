import type { AttributeValue } from "../../span/raw-span.ts";
import { type Finding, ONLY_VALUE } from "./change.ts";
import { areSimilarNames, mentions } from "./names.ts";
import { looksLikeSql } from "./parse.ts";
import { textChanges } from "./text-change.ts";
import { formatChange } from "./value-format.ts";

/** What changed between the arguments of a failing and a working call of one tool. Empty means nothing did. */
export function argumentChanges(tool: string, before: AttributeValue, after: AttributeValue, error: string): readonly Finding[] {
  const a = leavesOf(before);
  const b = leavesOf(after);
  const removed = [...a.keys()].filter((path) => !b.has(path));
  const added = [...b.keys()].filter((path) => !a.has(path));
  const findings: Finding[] = [];
  for (const path of [...removed]) {
    const twin = twinOf(path, removed, added, a, b);
    if (twin === undefined) continue;
    removed.splice(removed.indexOf(path), 1);
    added.splice(added.indexOf(twin), 1);
    findings.push({
      kind: "key-rename",
      key: ["key-rename", path, twin],
      reverseKey: ["key-rename", twin, path],
      subject: twin,
      before: path,
      after: twin,
    });
  }
  for (const path of added) {
    const key = [path];
    findings.push({
      kind: "key-add",
      key: ["key-add", ...key],
      reverseKey: ["key-remove", ...key],
      subject: path,
      before: "",
      after: written(b.get(path)),
    });
  }
  for (const path of removed) {
    findings.push({ kind: "key-remove", key: ["key-remove", path], reverseKey: ["key-add", path], subject: path, before: path, after: "" });
  }
  for (const [path, old] of a) {
    const fresh = b.get(path);
    if (fresh !== undefined && JSON.stringify(old) !== JSON.stringify(fresh)) findings.push(...valueChanges(tool, path, old, fresh, error));
  }
  return findings;
}

/** A new key that took the value of an old one, or the only new key for the only old one when their names are alike. */
function twinOf(
  path: string,
  removed: readonly string[],
  added: readonly string[],
  a: ReadonlyMap<string, AttributeValue>,
  b: ReadonlyMap<string, AttributeValue>,
): string | undefined {
  const same = added.find((candidate) => JSON.stringify(a.get(path)) === JSON.stringify(b.get(candidate)));
  if (same !== undefined) return same;
  const [only] = added;
  return removed.length === 1 && added.length === 1 && only !== undefined && areSimilarNames(path, only) ? only : undefined;
}

function valueChanges(tool: string, path: string, old: AttributeValue, fresh: AttributeValue, error: string): readonly Finding[] {
  if (typeof old === "string" && typeof fresh === "string") {
    if (isCode(tool, path, old, fresh)) return textChanges(old, fresh, error);
    const format = formatChange(old, fresh);
    if (format === undefined) return [ONLY_VALUE];
    return [{ kind: "format", key: ["format", path, format.before, format.after], subject: path, before: old, after: fresh }];
  }
  const [from, to] = [typeOf(old), typeOf(fresh)];
  if (from === to || !isSameContent(old, fresh)) return [ONLY_VALUE];
  return [
    {
      kind: "type",
      key: ["type", path, from, to],
      reverseKey: ["type", path, to, from],
      subject: path,
      before: written(old),
      after: written(fresh),
    },
  ];
}

/** Prose and plain values have no grammar, so their words are values; only SQL, and text that its name calls code, is compared word by word. */
function isCode(tool: string, path: string, old: string, fresh: string): boolean {
  if (looksLikeSql(old) && looksLikeSql(fresh)) return true;
  return /\s/.test(old) && (CODE_KEY.test(path) || (path === "" && mentionsCode(tool)));
}

const CODE_KEY = /(?:^|[._])(?:sql|cmd|command|code|script|expression|expr|bash|shell|program)$/i;

function mentionsCode(tool: string): boolean {
  return ["sql", "shell", "bash", "terminal", "command", "code", "python"].some((word) => mentions(tool.replaceAll("_", " "), word));
}

/** The scalars of an argument by path; lists count as one value. Bounded: an argument with more than 200 leaves is no set of named arguments. */
function leavesOf(value: AttributeValue, path = "", found: Map<string, AttributeValue> = new Map()): ReadonlyMap<string, AttributeValue> {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isObject || path.split(".").length > 8) return found.size < 200 ? found.set(path, value) : found;
  for (const [key, inner] of Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    leavesOf(inner, path === "" ? key : `${path}.${key}`, found);
  return found;
}

function isSameContent(old: AttributeValue, fresh: AttributeValue): boolean {
  const one = (value: AttributeValue): string => (Array.isArray(value) && value.length === 1 ? String(value[0]) : String(value));
  return one(old) === one(fresh) && (typeof old !== "object") !== (typeof fresh === "object" && !Array.isArray(fresh));
}

function typeOf(value: AttributeValue): string {
  return Array.isArray(value) ? "list" : value === null ? "null" : typeof value;
}

function written(value: AttributeValue | undefined): string {
  return JSON.stringify(value ?? null);
}
