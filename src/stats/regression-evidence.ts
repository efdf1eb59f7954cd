/** What the item did to one case in one pair of runs. */
export type PairOutcome = "loss" | "tie" | "win";

/**
 * Evidence, as an e-value, that one case passes less often with the item than without, from its pairs in order.
 *
 * A case that passes with probability p on both sides is lost in a pair with probability p (1 - p), which is 1/4 at most and as likely as a win. So a loss
 * may be paid a, a tie b and a win c as long as b <= 1 and a + c <= 4 - 2 b: the expectation p (1-p) (a + c) + (1 - 2 p (1-p)) b is then 1 at most, for
 * every p, and smaller still where the item helps. Two such games are played at even money: (4, 0, 0), which is quick where an item breaks a case for good, and
 * (3, 0.4, 0.2), which bears a tie. Their mean is a test supermartingale from 1: pairs may be added as long as one likes.
 */
export function regressionEValue(outcomes: readonly PairOutcome[]): number {
  let [quick, patient] = [1, 1];
  for (const outcome of outcomes) {
    quick *= outcome === "loss" ? 4 : 0;
    patient *= outcome === "loss" ? 3 : outcome === "tie" ? 0.4 : 0.2;
  }
  return (quick + patient) / 2;
}

/** Chance that any case of a test is called a regression although it is none. */
const FALSE_ALARM = 0.05;

/** The evidence with which one of `cases` cases is a confirmed regression: by Bonferroni, a false alarm on any of them has a probability of 5 % at most. */
export function regressionThreshold(cases: number): number {
  return cases / FALSE_ALARM;
}

/** From here down a lost case is taken for one that fails now and then by itself: a loss and a tie leave 0.6, two losses and a tie 1.8. */
const CLEARED = 1.5;

/** Whether a lost case should be run again: it is neither confirmed nor cleared, and `left` more losses could still confirm it. */
export function isOpen(outcomes: readonly PairOutcome[], cases: number, left: number): boolean {
  if (left < 1) return false;
  const now = regressionEValue(outcomes);
  if (now < CLEARED || now >= regressionThreshold(cases)) return false;
  return regressionEValue([...outcomes, ...Array.from({ length: left }, () => "loss" as const)]) >= regressionThreshold(cases);
}
