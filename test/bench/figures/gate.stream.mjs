/**
 * What a whole stream of 200 candidates lets through, with the code that tests them: one eval set of 100 cases, one baseline for all of them, the error budget of 5 %.
 *
 * Most candidates do nothing, some help a fifth of the cases as much as they hurt another fifth, some do harm, some help by 10 to 30 points; the mix is drawn
 * anew in each stream, and so is how often each case passes by itself.
 * false: mean over streams of the share of passed candidates that help nothing (the false discovery rate; 0 where none passed).
 * nothing: streams of candidates that all do nothing or move cases both ways; the share of streams in which any passed.
 * Beside it "keep if the score went up", on the first run of each side.
 */
import { pathToFileURL } from "node:url";
import { createRandom } from "../statistics.mjs";
import { builtFile } from "../stored-spans.mjs";

export const name = "gate.stream";
export const unit = "share";
export const target = { op: "<=", value: 0.05 };

const CANDIDATES = 200;
const CASES = 100;
const STREAMS = 500;
const QUICK_STREAMS = 10;
const RATES = [0, 0, 0.3, 0.6, 0.6, 0.9, 0.95, 1, 1, 1];
const ITEM = { id: "item", type: "skill", content: "with", appliesWhen: "" };

export async function run({ quick, seed }) {
  const code = await import(pathToFileURL(builtFile("src/knowledge/validate.js")));
  const streams = quick ? QUICK_STREAMS : STREAMS;
  const rows = [];
  for (const [index, part] of ["false", "nothing"].entries()) {
    const random = createRandom(seed * 1_000 + index);
    const seen = [];
    for (let count = 0; count < streams; count += 1) seen.push(await stream(part === "nothing", random, code));
    rows.push(...rowsOf(part, seen));
  }
  return rows;
}

async function stream(onlyNothing, random, { validate, createBaselineCache }) {
  const rates = Array.from({ length: CASES }, () => RATES[Math.floor(random() * RATES.length)]);
  const baseline = createBaselineCache("");
  const found = { passed: 0, falsely: 0, useful: 0, usefulPassed: 0, up: 0, upFalsely: 0, runs: 0 };
  let [position, passedBefore] = [0, 0];
  for (let count = 0; count < CANDIDATES; count += 1) {
    const kind = kindOf(random(), onlyNothing);
    const effects = rates.map((rate) => effectOf(kind, rate, random));
    const runner = (task, knowledge) => {
      const index = Number(task);
      return random() < rates[index] + (knowledge === "" ? 0 : effects[index]) ? "right" : "wrong";
    };
    position += 1;
    const certificate = await validate({
      item: ITEM,
      cases: rates.map((_, index) => ({
        id: `case-${index}`,
        task: `${index}`,
        mustPass: false,
        score: (output) => Number(output === "right"),
      })),
      runner,
      baseline,
      context: "",
      renderWith: () => ITEM.content,
      position,
      passedBefore,
      nowUs: 0,
      id: `${count}`,
      actor: "figure",
    });
    const helps = kind.startsWith("help");
    const passed = certificate.decision === "pass";
    const first = certificate.pairs.reduce((sum, pair) => sum + pair.candidateScore - pair.baselineScore, 0);
    found.runs += certificate.agentRuns;
    found.useful += Number(helps);
    found.usefulPassed += Number(helps && passed);
    found.passed += Number(passed);
    found.falsely += Number(passed && !helps);
    found.up += Number(first > 0);
    found.upFalsely += Number(first > 0 && !helps);
    if (passed) passedBefore += 1;
  }
  return found;
}

function kindOf(uniform, onlyNothing) {
  if (uniform < 0.6) return "nothing";
  if (uniform < 0.75 || onlyNothing) return "both ways";
  return uniform < 0.85 ? "harm" : uniform < 0.95 ? "help 20" : "help 60";
}

/** What the item does to one case; a rate below 0 or above 1 stays there. */
function effectOf(kind, rate, random) {
  const uniform = random();
  // As much up as down, also where a rate is near its end: the mean effect is 0.
  const size = Math.min(0.6, rate, 1 - rate);
  if (kind === "both ways") return uniform < 0.2 ? size : uniform < 0.4 ? -size : 0;
  if (kind === "harm") return uniform < 0.3 ? -0.6 : 0;
  if (kind === "help 20") return uniform < 0.6 ? 0.6 : 0;
  return kind === "help 60" ? 1 : 0;
}

function rowsOf(part, seen) {
  const sum = (key) => seen.reduce((total, found) => total + found[key], 0);
  const rate = (falsely, passed) =>
    seen.reduce((total, found) => total + (found[passed] === 0 ? 0 : found[falsely] / found[passed]), 0) / seen.length;
  const runs = `${Math.round(sum("runs") / seen.length / CANDIDATES)} runs a candidate`;
  const value = part === "false" ? rate("falsely", "passed") : seen.filter(({ passed }) => passed > 0).length / seen.length;
  const peerValue = part === "false" ? rate("upFalsely", "up") : seen.filter(({ up }) => up > 0).length / seen.length;
  const note =
    part === "false"
      ? `${(sum("passed") / seen.length).toFixed(1)} of ${CANDIDATES} pass, of ${(sum("useful") / seen.length).toFixed(1)} that help ${(sum("usefulPassed") / seen.length).toFixed(1)}; ${runs}`
      : `streams of ${CANDIDATES} in which anything passed; ${runs}`;
  return [{ part, value, n: seen.length, peer: "score went up", peerValue, note }];
}
