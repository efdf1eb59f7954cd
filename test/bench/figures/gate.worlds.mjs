/**
 * Whether the gate holds what it promises, in simulated worlds (test/bench/gate-worlds.json), with the code that tests candidates.
 *
 * A world is a set of cases; a group [share, without, with] says how often its cases pass without and with the item. `drawn` draws the group of every case
 * anew in each repetition, as an eval set is drawn from the tasks there are; otherwise the shares are exact.
 * nothing: the item moves no case, or moves as many up as down by as much: the value is the share of items that pass, at most alpha. harm: the same for
 * -10 points. help: +10 points; the share that passes, at least 80 %, all at position 1 of the stream. cost: what else takes power, and promises nothing: the
 * tenth place in a stream without a pass (e-value 3,290 instead of 33), and must-pass cases that agents fail now and then by themselves.
 * Beside it, on the first run of each side: "keep if the score went up"; a gain above 5 points, no case lower, and Welch's t with a logistic
 * approximation at 80 %; the exact sign test at 5 %.
 */
import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { createRandom, quantile } from "../statistics.mjs";
import { builtFile } from "../stored-spans.mjs";

export const name = "gate.worlds";
export const unit = "share";
export const target = { op: "<=", value: 0.05 };

const REPETITIONS = 10_000;
const QUICK_REPETITIONS = 200;
const ITEM = { id: "item", type: "skill", content: "with", appliesWhen: "" };

export async function run({ quick, seed }) {
  const { validate } = await import(pathToFileURL(builtFile("src/knowledge/validate.js")));
  const { signEValue } = await import(pathToFileURL(builtFile("src/stats/sign-e-value.js")));
  const { signTest } = await import(pathToFileURL(builtFile("src/stats/sign-test.js")));
  const worlds = JSON.parse(await readFile(new URL("../gate-worlds.json", import.meta.url), "utf8"));
  const rows = [];
  for (const [index, world] of worlds.entries()) {
    const random = createRandom(seed * 1_000 + index);
    const seen = [];
    for (let repetition = 0; repetition < (quick ? QUICK_REPETITIONS : REPETITIONS); repetition += 1) {
      seen.push(await test(world, random, { validate, signTest }));
    }
    rows.push(...rowsOf(world, seen));
    if (world.pooled === true) rows.push(await withoutGuard(world, random, { validate, signTest, signEValue, times: quick ? 50 : 2_000 }));
  }
  return rows;
}

/** The evidence alone has to hold the line: the guard against regressions is off. Beside it the same bets with the pairs of all rounds pooled. */
async function withoutGuard(world, random, { validate, signTest, signEValue, times }) {
  let [passed, pooled] = [0, 0];
  for (let repetition = 0; repetition < times; repetition += 1) {
    const { passed: isPassed } = await test(world, random, { validate, signTest, confirmReplicates: 1_000 });
    passed += Number(isPassed);
    pooled += Number(passesPooled(world, random, signEValue));
  }
  const note = "no regression guard, so that the evidence alone decides; the peer takes repetitions of a case for new cases, 16 rounds";
  return {
    part: `${world.part}.evidence`,
    value: passed / times,
    n: times,
    peer: "pairs of all rounds pooled",
    peerValue: pooled / times,
    note,
  };
}

function passesPooled(world, random, signEValue) {
  const cases = casesOf(world, random).map(({ task }) => task.split(" ").map(Number));
  let [wins, losses] = [0, 0];
  for (let round = 1; round <= 16; round += 1) {
    for (const [, without, withItem] of cases) {
      const difference = Number(random() < withItem) - Number(random() < without);
      if (difference > 0) wins += 1;
      if (difference < 0) losses += 1;
    }
    if (signEValue(wins, losses) >= 32.9 && (wins - losses) / (round * cases.length) >= 0.05) return true;
  }
  return false;
}

/** One item through the gate; every case tells by its task how often it passes. */
async function test(world, random, { validate, signTest, confirmReplicates = 11 }) {
  let runs = 0;
  const first = new Map();
  const runner = (task, knowledge) => {
    runs += 1;
    const [, without, withItem] = task.split(" ");
    const isWith = knowledge === ITEM.content;
    const right = random() < Number(isWith ? withItem : without);
    const sides = first.get(task) ?? {};
    first.set(task, sides);
    sides[isWith ? "with" : "without"] ??= Number(right);
    return right ? "right" : "wrong";
  };
  const certificate = await validate({
    item: ITEM,
    cases: casesOf(world, random),
    runner,
    context: "",
    renderWith: () => ITEM.content,
    position: world.position ?? 1,
    passedBefore: 0,
    confirmReplicates,
    nowUs: 0,
    id: "certificate",
    actor: "figure",
  });
  // The rules beside it see every case once on each side, also where the gate gave up before.
  for (const [task, sides] of first) {
    const [, without, withItem] = task.split(" ").map(Number);
    sides.without ??= Number(random() < without);
    sides.with ??= Number(random() < withItem);
  }
  const sides = [...first.values()];
  const differences = sides.map((side) => side.with - side.without);
  const gain = mean(differences);
  const [wins, losses] = [1, -1].map((value) => differences.filter((difference) => difference === value).length);
  return {
    passed: certificate.decision === "pass",
    runs,
    wentUp: gain > 0,
    reference: gain > 0.05 && losses === 0 && welch(sides) >= 0.8,
    signTest: signTest(wins, losses) <= 0.05,
  };
}

function casesOf({ cases, groups, drawn }, random) {
  const pick = () => {
    let left = random();
    for (const group of groups) {
      left -= group[0];
      if (left < 0) return group;
    }
    return groups.at(-1);
  };
  const chosen =
    drawn === true
      ? Array.from({ length: cases }, pick)
      : groups.flatMap((group) => Array.from({ length: Math.round(group[0] * cases) }, () => group));
  return chosen.map(([, without, withItem, mustPass = false], index) => ({
    id: `case-${index}`,
    task: `${index} ${without} ${withItem}`,
    mustPass,
    score: (output) => (output === "right" ? 1 : 0),
  }));
}

/** Unpaired, with k = sqrt(2/pi) (1 + 1/(4 df)) in a logistic for the distribution of t. */
function welch(sides) {
  const n = sides.length;
  const [a, b] = ["with", "without"].map((key) => sides.map((side) => side[key]));
  const [va, vb] = [a, b].map((values) => mean(values.map((value) => (value - mean(values)) ** 2)) * (n / (n - 1)));
  const spread = va / n + vb / n;
  if (spread === 0) return mean(a) > mean(b) ? 1 : 0.5;
  const freedom = spread ** 2 / ((va / n) ** 2 / (n - 1) + (vb / n) ** 2 / (n - 1));
  return 1 / (1 + Math.exp(-Math.sqrt(2 / Math.PI) * (1 + 1 / (4 * freedom)) * ((mean(a) - mean(b)) / Math.sqrt(spread))));
}

function rowsOf({ part, asks }, seen) {
  const share = (key) => seen.filter((test) => test[key]).length / seen.length;
  const runs = seen.map((test) => test.runs);
  const others = `score went up ${percent(share("wentUp"))}, reference's rule ${percent(share("reference"))}, sign test ${percent(share("signTest"))}`;
  return [
    {
      part,
      value: share("passed"),
      n: seen.length,
      ...(asks === "help" ? { target: { op: ">=", value: 0.8 } } : asks === "cost" ? { target: null } : {}),
      peer: "score went up",
      peerValue: share("wentUp"),
      note: others,
    },
    {
      part: `${part}.runs`,
      value: Math.round(mean(runs)),
      n: seen.length,
      unit: "runs",
      target: null,
      note: `mean; 90 % of tests take at most ${quantile(runs, 0.9)}`,
    },
  ];
}

function percent(share) {
  return `${(100 * share).toFixed(1)} %`;
}

function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
