/**
 * z of the score test (Rao) for the slope of a logistic regression of success on the position in time: sum (r - mean r)(y - mean y) over the square root of
 * p (1 - p) sum (r - mean r)^2. With 0/1 outcomes it is the Cochran-Armitage test for a trend with one observation per dose. Negative when successes
 * become rarer. 0 when there is nothing to compare: fewer than two outcomes, or all alike. Fixed n: for reports, not for decisions taken again and again.
 */
export function trendScore(successes: readonly boolean[]): number {
  const n = successes.length;
  const rate = successes.filter(Boolean).length / n;
  const centre = (n - 1) / 2;
  let slope = 0;
  let spread = 0;
  for (const [position, success] of successes.entries()) {
    slope += (position - centre) * ((success ? 1 : 0) - rate);
    spread += (position - centre) ** 2;
  }
  const variance = rate * (1 - rate) * spread;
  return variance > 0 ? slope / Math.sqrt(variance) : 0;
}
