type Version = readonly [major: number, minor: number, patch: number];

/**
 * Whether a version is inside an npm range: `||`, comparators side by side, `^`, `~`, `x` and partial versions. Undefined for a range written in any
 * other way, because a doctor that guesses is worse than one that is silent. A pre-release counts as its release.
 */
export function satisfies(version: string, range: string): boolean | undefined {
  const tried = parse(version);
  if (tried?.length !== 3) return undefined;
  let unknown = false;
  for (const alternative of range.split("||")) {
    const inside = inAll(tried as unknown as Version, alternative.trim().replace(/(>=|<=|>|<|=|\^|~)\s+/g, "$1"));
    if (inside === true) return true;
    unknown ||= inside === undefined;
  }
  return unknown ? undefined : false;
}

function inAll(version: Version, comparators: string): boolean | undefined {
  let inside = true;
  for (const comparator of comparators.split(/\s+/)) {
    const fits = fitsOne(version, comparator);
    if (fits === undefined) return undefined;
    inside &&= fits;
  }
  return inside;
}

function fitsOne(version: Version, comparator: string): boolean | undefined {
  const [, operator = "", rest = ""] = /^(>=|<=|>|<|=|\^|~)?(.*)$/.exec(comparator) ?? [];
  if (rest === "" || /^[*xX]$/.test(rest)) return true;
  const parts = parse(rest);
  if (parts === undefined) return undefined;
  const [major = 0, minor = 0, patch = 0] = parts;
  const low: Version = [major, minor, patch];
  if (operator === ">=") return compare(version, low) >= 0;
  if (operator === "<") return compare(version, low) < 0;
  const end = endOf(operator, parts);
  if (operator === ">") return compare(version, end) >= 0;
  if (operator === "<=") return compare(version, end) < 0;
  return compare(version, low) >= 0 && compare(version, end) < 0;
}

/** The first version behind what a partial version, a caret or a tilde covers. */
function endOf(operator: string, parts: readonly number[]): Version {
  const [major = 0, minor = 0, patch = 0] = parts;
  if (operator === "^" && major > 0) return [major + 1, 0, 0];
  if (operator === "^" && minor > 0) return [0, minor + 1, 0];
  if (parts.length === 1) return [major + 1, 0, 0];
  if (operator === "~" || parts.length === 2) return [major, minor + 1, 0];
  return [major, minor, patch + 1];
}

/** As many numbers as are written, up to the first `x`. */
function parse(text: string): readonly number[] | undefined {
  const match = /^v?(\d+)(?:\.(\d+|[xX*]))?(?:\.(\d+|[xX*]))?(?:[-+].*)?$/.exec(text);
  if (match === null) return undefined;
  const numbers = match.slice(1, 4).map((part) => (part === undefined ? Number.NaN : Number(part)));
  const end = numbers.findIndex(Number.isNaN);
  return end === -1 ? numbers : numbers.slice(0, end);
}

function compare(left: Version, right: Version): number {
  return left[0] - right[0] || left[1] - right[1] || left[2] - right[2];
}
