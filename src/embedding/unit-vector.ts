import { LearnError } from "../base/error.ts";

/** A copy of `values` with unit length; all zeros stay zeros. Throws "invalid" unless there are `dimensions` finite numbers. */
export function unitVector(values: ArrayLike<number>, dimensions: number, source: string): Float32Array {
  if (values.length !== dimensions) {
    throw new LearnError("invalid", `${source} gave a vector of ${values.length} numbers, not ${dimensions}`, {
      hint: `set the dimensions to ${values.length}, or name another model`,
    });
  }
  // The largest value first: squares of very large or very small numbers would leave the range of a double.
  let largest = 0;
  for (let at = 0; at < dimensions; at++) {
    const value = values[at];
    if (typeof value !== "number" || !Number.isFinite(value))
      throw new LearnError("invalid", `${source} gave a vector that holds no number at ${at}`);
    largest = Math.max(largest, Math.abs(value));
  }
  const unit = new Float32Array(dimensions);
  if (largest === 0) return unit;
  let sum = 0;
  for (let at = 0; at < dimensions; at++) sum += ((values[at] as number) / largest) ** 2;
  const length = Math.sqrt(sum);
  for (let at = 0; at < dimensions; at++) unit[at] = (values[at] as number) / largest / length;
  return unit;
}
