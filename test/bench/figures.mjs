/**
 * Measures what the README promises: `npm run figures [-- NAME...] [--quick] [--json] [--seed N] [--write]`.
 *
 * One file per figure, test/bench/figures/NAME.mjs, which exports `{ name, unit, target: { op: "<=" | ">=" | "==", value }, run({ quick, seed }) }`.
 * `run` resolves to rows: { part?, value, n, spread?, peer?, peerValue?, note?, unit?, target? }. A row is called NAME or NAME.part; its own unit or
 * target overrides the figure's, `target: null` is context and promises nothing. Any peer is measured in the same run as the figure.
 *
 * Without --json a Markdown table; --write puts the rows of the figures that were run into the one in README.md. Exit code 0 when every target is met, 1 when one is not or a
 * figure could not be measured, 3 for an unknown name. --quick is too short to judge by: a missed target is shown there, and is no failure.
 */
import { readdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { figuresTable, writeFigures } from "../../scripts/readme-tables.mjs";

const EXIT_UNMET = 1;
const EXIT_BAD_ARGUMENT = 3;
const FOLDER = join(dirname(fileURLToPath(import.meta.url)), "figures");

const { known, names, quick, json, write, seed } = await readArguments();
const rows = [];
for (const name of names) {
  const began = performance.now();
  const measured = await measure(name);
  process.stderr.write(`${name}: ${((performance.now() - began) / 1000).toFixed(1)} s\n`);
  rows.push(...measured);
}
print();
const failed = rows.some((row) => row.error !== undefined || (!quick && row.met === false));
// A figure may leave sockets or threads behind when it fails half-way; the answer is known, so end here.
process.exit(failed ? EXIT_UNMET : 0);

async function readArguments() {
  const known = (await readdir(FOLDER))
    .filter((file) => file.endsWith(".mjs"))
    .map((file) => file.slice(0, -".mjs".length))
    .sort();
  let parsed;
  try {
    parsed = parseArgs({
      allowPositionals: true,
      options: {
        quick: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        write: { type: "boolean", default: false },
        seed: { type: "string", default: "1" },
      },
    });
  } catch (error) {
    refuse(error.message);
  }
  const { values, positionals } = parsed;
  const unknown = positionals.filter((name) => !known.includes(name));
  if (unknown.length > 0) refuse(`no figure is called ${unknown.join(", ")}; known: ${known.join(", ")}`);
  const number = Number(values.seed);
  if (!Number.isSafeInteger(number) || number < 0) refuse(`--seed must be a whole number, not ${values.seed}`);
  if (values.write && values.quick) refuse("--write takes a full run: leave out --quick");
  return { ...values, known, names: positionals.length > 0 ? positionals : known, seed: number };
}

function refuse(message) {
  console.error(`figures: ${message}`);
  process.exit(EXIT_BAD_ARGUMENT);
}

/** The rows of one figure. A figure that can't be measured is one row with the reason, and the others still run. */
async function measure(name) {
  let figure;
  try {
    figure = await import(new URL(`figures/${name}.mjs`, import.meta.url));
    return (await figure.run({ quick, seed })).map((row) => complete(row, figure));
  } catch (error) {
    return [{ name, value: null, unit: figure?.unit ?? "", target: figure?.target ?? null, met: false, n: 0, seed, error: error.message }];
  }
}

function complete({ part, ...row }, figure) {
  const target = row.target === undefined ? figure.target : row.target;
  return {
    ...row,
    name: part === undefined ? figure.name : `${figure.name}.${part}`,
    unit: row.unit ?? figure.unit,
    target,
    met: target === null ? null : isMet(row.value, target),
    seed,
  };
}

function isMet(value, { op, value: wanted }) {
  if (!Number.isFinite(value)) return false;
  if (op === "<=") return value <= wanted;
  if (op === ">=") return value >= wanted;
  if (op === "==") return value === wanted;
  throw new Error(`a target's op is <=, >= or ==, not ${op}`);
}

function print() {
  const about = { quick, node: process.version, cpus: availableParallelism(), platform: `${process.platform}-${process.arch}` };
  if (json) {
    console.log(JSON.stringify({ schema: "agentlearn.figures/v1", ...about, seed, rows }, null, 2));
    return;
  }
  const table = figuresTable(rows);
  console.log(table);
  console.log(`\nNode ${about.node}, ${about.cpus} CPUs, ${about.platform}, seed ${seed}${quick ? ", quick: too short to judge by" : ""}`);
  if (write) writeFigures(table, names, known);
}
