/**
 * The quality set for retrieval and what is measured on it: test/fixtures/retrieval/rules-and-tasks.jsonl holds rules as knowledge items are written and
 * tasks as users write them; a task names the one rule that it needs, or none. Half of the tasks that need a rule share no content word with it.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

const FOLDER = new URL("../fixtures/retrieval/", import.meta.url);

/** `{ rules: [{ id, domain, content, applies_when }], tasks: [{ id, text, rule, overlap }] }`; `rule` is an id or null, `overlap` "some" or "none". */
export function readRetrievalSet() {
  const rows = readFileSync(new URL("rules-and-tasks.jsonl", FOLDER), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  return { rules: rows.filter(({ kind }) => kind === "rule"), tasks: rows.filter(({ kind }) => kind === "task") };
}

/** What is embedded of a rule. */
export function ruleText({ content, applies_when }) {
  return `${content} ${applies_when}`;
}

/** Vectors of the teacher for the rules and the tasks, in the order of the set. Throws when they were made for another set. */
export function readTeacher() {
  const { model, dimensions, set_sha256, vectors } = JSON.parse(readFileSync(new URL("teacher-vectors.json", FOLDER), "utf8"));
  const actual = createHash("sha256")
    .update(readFileSync(new URL("rules-and-tasks.jsonl", FOLDER)))
    .digest("hex");
  if (actual !== set_sha256) throw new Error("the teacher's vectors belong to another set: run scripts/distill/distill.py set");
  const values = new Int8Array(Buffer.from(vectors, "base64"));
  const rows = Array.from({ length: values.length / dimensions }, (_, row) =>
    unit(values.subarray(row * dimensions, (row + 1) * dimensions)),
  );
  const { rules } = readRetrievalSet();
  return { model, dimensions, rules: rows.slice(0, rules.length), tasks: rows.slice(rules.length) };
}

/**
 * Ranks all rules for each task by cosine. `ndcg10` and `recall5` are means over the tasks that need a rule; with one right rule at rank r (from 1) the
 * nDCG@10 of a task is 1 / log2(r + 1), or 0 beyond the tenth (Järvelin & Kekäläinen 2002). `separation` is the chance that the best cosine of a task
 * that needs a rule is above that of one that needs none (area under the ROC curve).
 */
export function rankingQuality(set, ruleVectors, taskVectors, overlap) {
  const best = { needed: [], unneeded: [] };
  let count = 0;
  let ndcg = 0;
  let found = 0;
  set.tasks.forEach((task, index) => {
    const scores = ruleVectors.map((vector) => dot(vector, taskVectors[index]));
    best[task.rule === null ? "unneeded" : "needed"].push(Math.max(...scores));
    if (task.rule === null || (overlap !== undefined && task.overlap !== overlap)) return;
    const right = scores[set.rules.findIndex(({ id }) => id === task.rule)];
    const rank = 1 + scores.filter((score) => score > right).length;
    count += 1;
    ndcg += rank <= 10 ? 1 / Math.log2(rank + 1) : 0;
    found += rank <= 5 ? 1 : 0;
  });
  const above = best.needed.reduce((sum, high) => sum + best.unneeded.filter((low) => low < high).length, 0);
  return { tasks: count, ndcg10: ndcg / count, recall5: found / count, separation: above / (best.needed.length * best.unneeded.length) };
}

/** Content words of `left` that stand in `right` too: equal, of one stem, or alike in their first five letters. */
export function sharedWords(left, right) {
  const others = contentWords(right);
  return contentWords(left).filter((word) =>
    others.some((other) => stem(word) === stem(other) || (word.length >= 5 && other.length >= 5 && word.slice(0, 5) === other.slice(0, 5))),
  );
}

const FUNCTION_WORDS = new Set(
  `a an the and or but nor so if then than that this these those there here it its it's he she they them their theirs his her hers him i i'm i'd i've
  i'll me my mine we we're we've us our ours you your yours who whom whose which what when where why how is am are was were be been being do does did
  doing done don't doesn't didn't have has had having haven't can cannot can't could couldn't may might must shall should will would won't wouldn't isn't
  wasn't aren't not no yes of in on at by for from to into onto with without within over under up down out off as about after before between through
  during again also too very just only ever never always all any each every both either neither some such more most much many few less least own same
  other another one two three let let's get gets got give gives given make makes made go goes`.split(/\s+/),
);

function contentWords(text) {
  const words =
    text
      .normalize("NFKC")
      .toLowerCase()
      .match(/[\p{L}\p{N}']+/gu) ?? [];
  return [...new Set(words.map((word) => word.replace(/^'+|'+$/g, "").replace(/'s$/, "")))].filter(
    (word) => word !== "" && !FUNCTION_WORDS.has(word),
  );
}

const ENDINGS = "ations ation ings ing edly ied ies ers er est ments ment ness ally ly ed es s e y".split(" ");

/** A rough stem: one ending off, a doubled last letter made single. Coarse on purpose, it may only call too many words shared. */
function stem(word) {
  const ending = ENDINGS.find((end) => word.endsWith(end) && word.length - end.length >= 3) ?? "";
  const rest = word.slice(0, word.length - ending.length);
  return rest.length > 3 && rest.at(-1) === rest.at(-2) ? rest.slice(0, -1) : rest;
}

function dot(left, right) {
  let sum = 0;
  for (let at = 0; at < left.length; at += 1) sum += left[at] * right[at];
  return sum;
}

function unit(values) {
  const length = Math.sqrt(dot(values, values));
  return Float32Array.from(values, (value) => value / length);
}
