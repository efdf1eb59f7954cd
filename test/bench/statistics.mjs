/** Numbers in [0, 1) that depend on the seed only (mulberry32). */
export function createRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The smallest value that at least `share` of the values do not exceed. */
export function quantile(values, share) {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

export function median(values) {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** "[min, max]" with three significant digits. */
export function spreadOf(values) {
  const short = (value) => String(Number(value.toPrecision(3)));
  return `[${short(Math.min(...values))}, ${short(Math.max(...values))}]`;
}

export function shuffled(items, random) {
  const result = [...items];
  for (let last = result.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [result[last], result[other]] = [result[other], result[last]];
  }
  return result;
}

/** Text of about `length` characters that does not compress to nothing. */
export function proseOf(random, length) {
  const words = [];
  let size = 0;
  while (size < length) {
    const word = Math.floor(random() * 36 ** (2 + Math.floor(random() * 5))).toString(36);
    words.push(word);
    size += word.length + 1;
  }
  return words.join(" ");
}
