import { describe, expect, test } from "vitest";
import { createBoundedSum } from "../../../src/stats/bounded-sum.ts";
import { createEffectSequence } from "../../../src/stats/effect-sequence.ts";
import { logChoose, rateSequence } from "../../../src/stats/rate-sequence.ts";
import { logRatioEvidence } from "../../../src/stats/sample-ratio.ts";
import { seededRandom } from "../../support/seeded-random.ts";

const BETS = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 0.96];
const WEIGHTS = [0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.2, 0.1];

/** The definition, multiplied out: capital of the mixture when the means add up to `sum`. */
function capital(scores: readonly number[], sum: number, sign: 1 | -1): number {
  return BETS.reduce((total, bet, index) => {
    const product = scores.reduce((value, score) => value * (1 + sign * bet * score), 1);
    return total + (WEIGHTS[index] as number) * product * Math.exp(-sign * bet * sum);
  }, 0);
}

describe("createBoundedSum", () => {
  const random = seededRandom(3);
  const scores = Array.from({ length: 300 }, () => random() * 1.6 - 0.6);
  const filled = createBoundedSum();
  for (const score of scores) filled.add(score);

  test("ends where the capital of the definition reaches 2 / alpha", () => {
    const { lower, upper } = filled.bounds(0.05);
    expect(capital(scores, lower, 1)).toBeCloseTo(40, 6);
    expect(capital(scores, upper, -1)).toBeCloseTo(40, 6);
  });

  test("covers its own sum at every level", () => {
    for (const alpha of [0.5, 0.05, 1e-6]) {
      const { lower, upper } = filled.bounds(alpha);
      expect(lower <= filled.sum && filled.sum <= upper).toBe(true);
    }
  });

  test("repeating the stream as often as it says reaches the level, and once less does not", () => {
    const mild = createBoundedSum();
    const part = scores.map((score) => score / 10);
    for (const score of part) mild.add(score);
    const times = mild.repeatsUntil(1e-9);
    const logAt = (count: number): number => {
      const repeated = createBoundedSum();
      for (let index = 0; index < count; index += 1) for (const score of part) repeated.add(score);
      return repeated.logEvidence().above;
    };
    expect(times).toBeGreaterThan(2);
    expect([logAt(Math.ceil(times)) >= Math.log(1e9), logAt(Math.floor(times)) < Math.log(1e9)]).toEqual([true, true]);
  });

  test("refuses a score outside of [-1, 1]", () => {
    expect(() => createBoundedSum().add(1.01)).toThrow("a score is 1.01");
  });
});

interface World {
  readonly withhold: (run: number) => number;
  readonly base: (run: number, previousSuccess: boolean) => number;
  readonly lift: (run: number) => number;
}

/** Streams in which the interval was wrong about the running mean lift, or excluded 0, at any of many looks. */
function misses(world: World, streams: number, runs: number): { readonly uncovered: number; readonly excludedZero: number } {
  const random = seededRandom(11);
  let [uncovered, excludedZero] = [0, 0];
  for (let stream = 0; stream < streams; stream += 1) {
    const sequence = createEffectSequence();
    let [weight, weighted, wrong, excluded, success] = [0, 0, false, false, true];
    for (let run = 0; run < runs; run += 1) {
      const withheld = world.withhold(run);
      const given = random() >= withheld;
      const base = world.base(run, success);
      success = random() < base + (given ? world.lift(run) : 0);
      sequence.add({ given, probabilityGiven: 1 - withheld, success });
      weight += withheld * (1 - withheld);
      weighted += withheld * (1 - withheld) * world.lift(run);
      if (run % 10 !== 9) continue;
      const { lower, upper } = sequence.interval(0.05);
      const truth = weighted / weight;
      wrong ||= truth < lower - 1e-12 || truth > upper + 1e-12;
      excluded ||= lower > 0 || upper < 0;
    }
    uncovered += Number(wrong);
    excludedZero += Number(excluded);
  }
  return { uncovered: uncovered / streams, excludedZero: excludedZero / streams };
}

describe("createEffectSequence", () => {
  test("knows nothing before the first unit, and nothing from units that were not drawn", () => {
    const sequence = createEffectSequence();
    expect([sequence.lift(), sequence.interval(0.05)]).toEqual([undefined, { lower: -1, upper: 1 }]);
    for (let run = 0; run < 100; run += 1) sequence.add({ given: true, probabilityGiven: 1, success: run % 2 === 0 });
    expect([sequence.lift(), sequence.interval(0.05)]).toEqual([undefined, { lower: -1, upper: 1 }]);
  });

  test("estimates the lift that is there, whatever the probability of the draw", () => {
    for (const withheld of [0.05, 0.5, 0.9]) {
      const random = seededRandom(5);
      const sequence = createEffectSequence();
      for (let run = 0; run < 60_000; run += 1) {
        const given = random() >= withheld;
        sequence.add({ given, probabilityGiven: 1 - withheld, success: random() < (given ? 0.7 : 0.5) });
      }
      expect(Math.abs((sequence.lift() ?? 0) - 0.2)).toBeLessThan(0.025);
      expect(sequence.interval(0.05).lower).toBeGreaterThan(0.13);
    }
  });

  test("excludes no lift for at most 5 % of streams without effect, looking every tenth run", () => {
    const { excludedZero } = misses({ withhold: () => 0.2, base: () => 0.6, lift: () => 0 }, 400, 300);
    expect(excludedZero).toBeLessThanOrEqual(0.05);
  });

  test("stays honest while the withholding changes and the base rate drifts and clings to the past", () => {
    const drifting = {
      withhold: (run: number) => (run < 150 ? 0.05 : 0.5),
      base: (run: number, previous: boolean) => 0.2 + 0.5 * (run / 300) + (previous ? 0.2 : 0),
      lift: () => 0,
    };
    expect(misses(drifting, 400, 300).excludedZero).toBeLessThanOrEqual(0.05);
  });

  // A pooled difference of rates takes the drift for an effect: the arms have another share before the change than after it.
  test("covers the mean lift of the runs although the lift itself changes its sign half-way", () => {
    const turning = {
      withhold: (run: number) => (run < 150 ? 0.5 : 0.2),
      base: () => 0.5,
      lift: (run: number) => (run < 150 ? 0.3 : -0.3),
    };
    expect(misses(turning, 400, 300).uncovered).toBeLessThanOrEqual(0.05);
  });

  test("says how many more runs are needed so that half of the streams are decided by then", () => {
    const random = seededRandom(23);
    const planned = createEffectSequence();
    const stream = (sequence: ReturnType<typeof createEffectSequence>) => {
      const given = random() >= 0.3;
      sequence.add({ given, probabilityGiven: 0.7, success: random() < (given ? 0.75 : 0.5) });
    };
    for (let run = 0; run < 2_000; run += 1) stream(planned);
    expect(planned.moreToTell(0.25, 0.05)).toBe(0);
    const fresh = createEffectSequence();
    for (let run = 0; run < 20; run += 1) stream(fresh);
    const expected = 20 + (fresh.moreToTell(0.25, 0.05) ?? 0);
    const stops = Array.from({ length: 101 }, () => {
      const sequence = createEffectSequence();
      let runs = 0;
      while (sequence.interval(0.05).lower <= 0 && runs < 2_000) {
        stream(sequence);
        runs += 1;
      }
      return runs;
    }).sort((a, b) => a - b);
    expect(Math.abs(expected / (stops[50] as number) - 1)).toBeLessThan(0.4);
  });

  test("has the evidence for a verdict exactly while the interval leaves 0 out", () => {
    const random = seededRandom(31);
    const sequence = createEffectSequence();
    let changes = 0;
    for (let run = 0; run < 600; run += 1) {
      const given = random() >= 0.4;
      sequence.add({ given, probabilityGiven: 0.6, success: random() < (given ? 0.8 : 0.6) });
      const decided = sequence.logEvidence().helps >= Math.log(2 / 0.05);
      expect(sequence.interval(0.05).lower > 0).toBe(decided);
      changes += Number(decided);
    }
    expect(changes > 0 && changes < 600).toBe(true);
  });

  test("refuses a probability that is none", () => {
    expect(() => createEffectSequence().add({ given: true, probabilityGiven: 1.2, success: true })).toThrow(
      "the probability of being given is 1.2",
    );
  });
});

describe("rateSequence", () => {
  /** The prior averaged by brute force instead of by its closed form. */
  const logFactor = (successes: number, trials: number, p: number): number => {
    const steps = 200_000;
    let sum = 0;
    for (let index = 0; index < steps; index += 1) {
      const rate = (index + 0.5) / steps;
      sum += (rate / p) ** successes * ((1 - rate) / (1 - p)) ** (trials - successes);
    }
    return Math.log(sum / steps);
  };

  test("ends where the averaged likelihood ratio reaches 1 / alpha", () => {
    for (const [successes, trials] of [
      [3, 40],
      [25, 50],
      [59, 60],
    ] as const) {
      const { lower, upper } = rateSequence(successes, trials, 0.05);
      expect(logFactor(successes, trials, lower)).toBeCloseTo(Math.log(20), 4);
      expect(logFactor(successes, trials, upper)).toBeCloseTo(Math.log(20), 4);
    }
  });

  test("reaches the end of the range when all or none succeed", () => {
    expect([rateSequence(0, 30, 0.05).lower, rateSequence(30, 30, 0.05).upper, rateSequence(0, 0, 0.05)]).toEqual([
      0,
      1,
      { lower: 0, upper: 1 },
    ]);
  });

  test("counts combinations", () => {
    expect([Math.round(Math.exp(logChoose(52, 5))), logChoose(7, 0)]).toEqual([2_598_960, 0]);
  });
});

describe("logRatioEvidence", () => {
  test("is the likelihood averaged over all other probabilities, stratum by stratum", () => {
    const strata = [
      { probabilityGiven: 0.9, given: 30, withheld: 12 },
      { probabilityGiven: 0.5, given: 8, withheld: 9 },
    ];
    const steps = 200_000;
    const bruteForce = strata.reduce((log, { probabilityGiven: q, given, withheld }) => {
      let sum = 0;
      for (let index = 0; index < steps; index += 1) {
        const rate = (index + 0.5) / steps;
        sum += (rate / q) ** given * ((1 - rate) / (1 - q)) ** withheld;
      }
      return log + Math.log(sum / steps);
    }, 0);
    expect(logRatioEvidence(strata)).toBeCloseTo(bruteForce, 4);
  });

  test("accuses at most one sound stream in a hundred at 100, looking after every draw", () => {
    const random = seededRandom(2);
    let accused = 0;
    for (let stream = 0; stream < 500; stream += 1) {
      const stratum = { probabilityGiven: 0.9, given: 0, withheld: 0 };
      let ever = false;
      for (let draw = 0; draw < 400; draw += 1) {
        stratum[random() < 0.9 ? "given" : "withheld"] += 1;
        ever ||= logRatioEvidence([stratum]) >= Math.log(100);
      }
      accused += Number(ever);
    }
    expect(accused / 500).toBeLessThanOrEqual(0.01);
  });

  test("has no doubt about what was stated to be impossible", () => {
    expect(logRatioEvidence([{ probabilityGiven: 1, given: 50, withheld: 1 }])).toBe(Number.POSITIVE_INFINITY);
  });
});
