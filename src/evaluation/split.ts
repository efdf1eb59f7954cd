import { LearnError } from "../base/error.ts";
import { uniformOf } from "../base/id.ts";

export interface Split<Case> {
  readonly train: readonly Case[];
  readonly heldOut: readonly Case[];
}

/**
 * Parts cases by a hash of their id. A case stays on its side when others come or go, and with a larger share only ever moves from train to held-out.
 * `heldOutShare` is in [0, 1]; `salt` gives another split.
 */
export function splitCases<Case extends { readonly id: string }>(cases: readonly Case[], heldOutShare: number, salt = ""): Split<Case> {
  if (!(heldOutShare >= 0 && heldOutShare <= 1))
    throw new LearnError("invalid", `the held-out share is ${heldOutShare}, it must be from 0 to 1`);
  const isHeldOut = (one: Case): boolean => uniformOf(`split:${salt}:${one.id}`) < heldOutShare;
  return { train: cases.filter((one) => !isHeldOut(one)), heldOut: cases.filter(isHeldOut) };
}
