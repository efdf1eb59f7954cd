import type { Validation } from "./knowledge-item.ts";

/** What a gate says. */
export type Verdict = Pick<Validation, "decision" | "reason">;

export function refuse(reason: string): Verdict {
  return { decision: "refuse", reason };
}

export function inconclusive(reason: string): Verdict {
  return { decision: "inconclusive", reason };
}

export function figure(value: number): string {
  return value >= 1e6 ? value.toExponential(1) : value.toFixed(1);
}

export function points(difference: number): string {
  return `${difference < 0 ? "" : "+"}${(difference * 100).toFixed(1)} points`;
}

export function list(ids: readonly string[]): string {
  return ids.length <= 3 ? ids.join(", ") : `${ids.slice(0, 3).join(", ")} and ${ids.length - 3} more`;
}
