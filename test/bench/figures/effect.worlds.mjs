/**
 * Whether the verdicts about items hold what they promise, in simulated worlds (test/bench/effect-worlds.json), looking after every run; with the code
 * that judges live runs. Beside it the rule "retire when given at least ten times and effectiveness below 30 %", on the same runs.
 *
 * A world gives, by run, the withholding probability, the success rate without the item and its lift; points [run, value] are joined by lines. `plusMinus`
 * lifts half of the tasks by as much as it lowers the others. Every run meets the item: in `help-hard` those are the hard tasks, and only those.
 * no effect: share of items that ever get a verdict. harms, helps: share that gets this one, and the median run of it. useless: share retired by the rule of low
 * effectiveness. covered: the lift itself turns; share of streams whose interval ever misses the mean lift of the runs so far (looked at every 20th).
 * (That rule waits for a lift that is not above 0; one that is 0 stays above it by chance for long, so some of those items are never retired.)
 * A drifting base rate changes nothing about the guarantee; a drifting lift changes what the verdict is about: the runs so far, not the next one.
 */
import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { createRandom, quantile } from "../statistics.mjs";
import { builtFile } from "../stored-spans.mjs";

export const name = "effect.worlds";
export const unit = "share";
export const target = { op: "<=", value: 0.05 };

const REPETITIONS = 10_000;
const QUICK_REPETITIONS = 60;
// 40,000 runs each: its rate is read off fewer streams.
const USELESS_REPETITIONS = 500;
const ALPHA = 0.05;
const MINIMUM_GAIN = 0.05;
const LEAST_EFFECTIVENESS = 0.3;
const SELDOM = 200;
// One score, at most 1 in size, moves the capital of the largest bet by 1.96 at most: until then a look cannot change anything.
const MOST_A_RUN = Math.log(1.96);
const NEVER = Number.POSITIVE_INFINITY;

export async function run({ quick, seed }) {
  const code = await import(pathToFileURL(builtFile("src/stats/effect-sequence.js")));
  const levels = await import(pathToFileURL(builtFile("src/stats/online-level.js")));
  const rates = await import(pathToFileURL(builtFile("src/stats/rate-sequence.js")));
  const tools = { ...code, ...rates, alpha: levels.eLondLevel(ALPHA, 1, 0) };
  const worlds = JSON.parse(await readFile(new URL("../effect-worlds.json", import.meta.url), "utf8"));
  const rows = [];
  for (const [index, world] of worlds.entries()) {
    const full = world.asks === "useless" ? USELESS_REPETITIONS : REPETITIONS;
    const streams = quick ? Math.min(full, world.asks === "useless" ? 5 : QUICK_REPETITIONS) : full;
    const curves = ["withhold", "base", "lift"].map((key) => curveOf(world[key], world.horizon));
    const random = createRandom(seed * 1_000 + index);
    const seen = Array.from({ length: streams }, () => stream(world, curves, random, tools));
    rows.push(...rowsOf(world, seen));
  }
  return rows;
}

/** One item from its first run to its verdict, or to the horizon. */
function stream(world, [withhold, base, lift], random, { createEffectSequence, rateSequence, alpha }) {
  const sequence = createEffectSequence();
  const decided = Math.log(2 / alpha);
  const found = { verdict: "undecided", at: NEVER, reference: NEVER, missed: false };
  let [given, givenSuccess, weight, weighted, nextLook] = [0, 0, 0, 0, 0];
  const { plusMinus = 0, asks } = world;
  for (let run = 0; run < world.horizon; run += 1) {
    const withheld = withhold[run];
    const isGiven = random() >= withheld;
    const effect = plusMinus === 0 ? lift[run] : lift[run] + (random() < 0.5 ? plusMinus : -plusMinus);
    const success = random() < base[run] + (isGiven ? effect : 0);
    sequence.add({ given: isGiven, probabilityGiven: 1 - withheld, success });
    if (isGiven) {
      given += 1;
      if (success) givenSuccess += 1;
      if (given >= 10 && givenSuccess / given < LEAST_EFFECTIVENESS) found.reference = Math.min(found.reference, run + 1);
    }
    if (asks === "covered") {
      const share = withheld * (1 - withheld);
      weight += share;
      weighted += share * lift[run];
      if (run % 20 === 19) {
        const { lower, upper } = sequence.interval(alpha);
        found.missed ||= weighted / weight < lower || weighted / weight > upper;
      }
      continue;
    }
    if (run >= nextLook) {
      // The same as interval(alpha).lower > 0 and .upper < 0, without solving for the ends.
      const { helps, harms } = sequence.logEvidence();
      if (helps >= decided) found.verdict = "helps";
      else if (harms >= decided) found.verdict = "harms";
      nextLook = run + Math.max(1, Math.ceil((decided - Math.max(helps, harms)) / MOST_A_RUN));
    }
    if (found.verdict === "undecided" && asks !== "no effect" && run % SELDOM === SELDOM - 1 && isUseless()) found.verdict = "useless";
    if (found.verdict !== "undecided") {
      found.at = run + 1;
      if (found.reference < NEVER || asks === "no effect") break;
      return { ...found, reference: referenceAfter(world, [withhold, base, lift], random, { run: run + 1, given, givenSuccess }) };
    }
  }
  return found;

  function isUseless() {
    if (sequence.lift() > 0 || sequence.interval(alpha).upper >= MINIMUM_GAIN) return false;
    return rateSequence(givenSuccess, given, alpha).upper < LEAST_EFFECTIVENESS;
  }
}

/** The reference goes on where our verdict ended the stream, but no longer than its rate can still fall below the threshold by luck. */
function referenceAfter(world, [withhold, base, lift], random, from) {
  let { given, givenSuccess } = from;
  const end = Math.min(world.horizon, from.run + 500);
  for (let run = from.run; run < end; run += 1) {
    if (random() < withhold[run]) continue;
    given += 1;
    if (random() < base[run] + lift[run]) givenSuccess += 1;
    if (given >= 10 && givenSuccess / given < LEAST_EFFECTIVENESS) return run + 1;
  }
  return NEVER;
}

function rowsOf({ part, asks, horizon }, seen) {
  const share = (matches) => seen.filter(matches).length / seen.length;
  const n = seen.length;
  const retiredByReference = share(({ reference }) => reference < NEVER);
  const peer = { peer: "given >= 10 and effectiveness < 30 %", peerValue: round(retiredByReference) };
  if (asks === "covered")
    return [{ part, value: share(({ missed }) => missed), n, note: `interval misses the mean lift so far, ever in ${horizon} runs` }];
  if (asks === "no effect") {
    const [helps, harms] = ["helps", "harms"].map((verdict) => share((stream) => stream.verdict === verdict));
    return [
      {
        part,
        value: helps + harms,
        n,
        ...peer,
        note: `ever called helpful ${round(helps)}, harmful ${round(harms)} in ${horizon} runs; the peer's share retires it`,
      },
    ];
  }
  const right = share(({ verdict }) => verdict === asks);
  const middle = quantile(
    seen.map(({ verdict, at }) => (verdict === asks ? at : NEVER)),
    0.5,
  );
  const referenceMiddle = quantile(
    seen.map(({ reference }) => reference),
    0.5,
  );
  const of = asks === "helps" ? "the peer's share retires this helpful item" : "the peer's share retires it";
  return [
    {
      part,
      value: right,
      n,
      target: asks === "useless" ? null : { op: ">=", value: 0.95 },
      ...peer,
      note: `${asks} within ${horizon} runs; ${of}`,
    },
    {
      part: `${part}.runs`,
      value: middle,
      n,
      unit: "runs",
      target: null,
      ...(Number.isFinite(referenceMiddle) ? { peer: peer.peer, peerValue: referenceMiddle } : {}),
      note: `median until "${asks}"${Number.isFinite(referenceMiddle) ? "" : "; the peer does nothing in most streams"}`,
    },
  ];
}

function round(share) {
  return Math.round(share * 10_000) / 10_000;
}

/** Points joined by lines, flat beyond both ends. */
function curveOf(points, horizon) {
  const curve = new Float64Array(horizon);
  let next = 0;
  for (let run = 0; run < horizon; run += 1) {
    while (next < points.length && points[next][0] <= run) next += 1;
    const [from, to] = [points[Math.max(0, next - 1)], points[Math.min(next, points.length - 1)]];
    const along = to[0] === from[0] ? 0 : (run - from[0]) / (to[0] - from[0]);
    curve[run] = from[1] + along * (to[1] - from[1]);
  }
  return curve;
}
