import { readFileSync } from "node:fs";
import { LearnError, messageOf } from "../base/error.ts";
import { evalCaseOf, type NewEvalCase } from "../compose/eval-cases.ts";
import type { EvalCase } from "../evaluation/evaluation.ts";

/** Eval cases of a file: a JSON list, or one JSON object a line, of `{ taskInput, expectedOutput, mustPass, tags, id }`. Rejects "invalid" that names the entry. */
export function readCaseFile(path: string): readonly EvalCase[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new LearnError("not-found", `--cases: ${path} can't be read: ${messageOf(cause)}`, { hint: "write --cases ./cases.json", cause });
  }
  const entries = entriesOf(text.replace(/^\uFEFF/, ""), path);
  const cases = entries.map((entry, index) => caseOf(entry, `${path}, case ${index + 1}`));
  const seen = new Set<string>();
  for (const { id, task } of cases) {
    if (seen.has(id)) throw new LearnError("invalid", `${path} has the case "${task.slice(0, 60)}" twice`);
    seen.add(id);
  }
  return cases;
}

function entriesOf(text: string, path: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : [value];
  } catch {
    // One object a line then.
  }
  return text.split("\n").flatMap((line, index) => {
    if (line.trim() === "") return [];
    try {
      return [JSON.parse(line) as unknown];
    } catch (cause) {
      throw new LearnError("invalid", `${path}, line ${index + 1}: it is not JSON`, {
        hint: 'write a JSON list, or one object a line: {"taskInput": "...", "expectedOutput": "..."}',
        cause,
      });
    }
  });
}

function caseOf(entry: unknown, where: string): EvalCase {
  const { taskInput, expectedOutput, mustPass, tags, id } = (typeof entry === "object" && entry !== null ? entry : {}) as {
    readonly [key: string]: unknown;
  };
  const fault = (what: string): LearnError =>
    new LearnError("invalid", `${where}: ${what}`, { hint: 'write {"taskInput": "...", "expectedOutput": "..."}' });
  if (typeof taskInput !== "string" || taskInput.trim() === "") throw fault("taskInput is not a text");
  if (expectedOutput !== undefined && typeof expectedOutput !== "string") throw fault("expectedOutput is not a text");
  if (mustPass !== undefined && typeof mustPass !== "boolean") throw fault("mustPass is neither true nor false");
  if (id !== undefined && typeof id !== "string") throw fault("id is not a text");
  if (tags !== undefined && !(Array.isArray(tags) && tags.every((tag) => typeof tag === "string")))
    throw fault("tags is not a list of texts");
  const known: NewEvalCase = {
    taskInput,
    ...(expectedOutput === undefined ? {} : { expectedOutput }),
    ...(mustPass === undefined ? {} : { mustPass }),
    ...(tags === undefined ? {} : { tags: tags as readonly string[] }),
    ...(id === undefined ? {} : { id }),
  };
  return evalCaseOf(known);
}
