/**
 * The embedding table that ships with the package: how well it finds the rule for a task beside the transformer it was fitted to, what one short text
 * costs, how long it takes to open (in a fresh process, best of several), and what it adds to the package as npm packs it.
 */
import { execFile } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { rankingQuality, readRetrievalSet, readTeacher, ruleText } from "../retrieval-set.mjs";
import { median, spreadOf } from "../statistics.mjs";
import { builtFile } from "../stored-spans.mjs";

export const name = "embedding.static";
export const unit = "% of teacher";
export const target = { op: ">=", value: 90 };

const TABLE = new URL("../../../assets/embedding/static-en.bin", import.meta.url);
const MEGABYTE = 1_000_000;

export async function run({ quick }) {
  const module = builtFile("src/embedding/static-model.js");
  const { openStaticModel } = await import(module);
  const model = await openStaticModel();
  return [quality(model), cost(model, quick ? 7 : 25), await opening(module, quick ? 3 : 9), size()];
}

function quality(model) {
  const set = readRetrievalSet();
  const teacher = readTeacher();
  const vectorsOf = (texts) => texts.map((text) => model.embedNow(text));
  const table = rankingQuality(set, vectorsOf(set.rules.map(ruleText)), vectorsOf(set.tasks.map(({ text }) => text)));
  const best = rankingQuality(set, teacher.rules, teacher.tasks);
  return {
    part: "ndcg10",
    value: (100 * table.ndcg10) / best.ndcg10,
    n: table.tasks,
    peer: teacher.model,
    peerValue: 100,
    note: `nDCG@10 ${table.ndcg10.toFixed(3)}, teacher ${best.ndcg10.toFixed(3)}; recall@5 ${table.recall5.toFixed(3)}, teacher ${best.recall5.toFixed(3)}`,
  };
}

/** The median round: a neighbour on the machine only ever makes a round slower, and the figure is about the usual one. */
function cost(model, rounds) {
  const texts = readRetrievalSet().tasks.map(({ text }) => text);
  const once = () => {
    const began = performance.now();
    for (const text of texts) model.embedNow(text);
    return ((performance.now() - began) * 1000) / texts.length;
  };
  for (let round = 0; round < 5; round += 1) once();
  const each = Array.from({ length: rounds }, once);
  return {
    part: "text",
    value: median(each),
    unit: "µs",
    target: { op: "<=", value: 50 },
    n: rounds * texts.length,
    spread: spreadOf(each),
  };
}

async function opening(module, rounds) {
  const script = `const { openStaticModel } = await import(${JSON.stringify(`file://${module}`)});
    const began = performance.now();
    await openStaticModel();
    console.log(performance.now() - began);`;
  const each = [];
  for (let round = 0; round < rounds; round += 1) {
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], { timeout: 30_000 });
    each.push(Number(stdout));
  }
  return { part: "open", value: Math.min(...each), unit: "ms", target: { op: "<=", value: 60 }, n: rounds, spread: spreadOf(each) };
}

function size() {
  const packed = gzipSync(readFileSync(TABLE), { level: 9 }).length;
  const note = `${(statSync(TABLE).size / MEGABYTE).toFixed(2)} MB unpacked`;
  return { part: "packed", value: packed / MEGABYTE, unit: "MB", target: { op: "<=", value: 10 }, n: 1, note };
}
