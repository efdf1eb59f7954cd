import { untrustedTaint } from "../../lesson/guards/taint.ts";
import type { Taint } from "../../lesson/lesson.ts";
import { LEAST_PRINCIPALS } from "./principals.ts";

export const ACTIVATIONS = ["approval", "evidence", "evidence-untrusted"] as const;
/** What makes a validated item active. `evidence`: its test, where no word of it came from users, tools or files. `evidence-untrusted`: also where some did. */
export type Activation = (typeof ACTIVATIONS)[number];

/** What is known about where an item's words come from. */
export interface Origin {
  /** As its analyzer said, and as its words say beside its source runs. */
  readonly taint: readonly Taint[];
  /** See principals.ts. */
  readonly principals: number;
}

/** Why an item that passed its test waits for a person all the same; a sentence fragment after "it passed, but". Undefined: it may become active. */
export function whyItWaits({ taint, principals }: Origin, activation: Activation): string | undefined {
  const untrusted = untrustedTaint(taint);
  if (activation === "approval") return "a person activates (setting activation)";
  if (untrusted.length === 0) return undefined;
  // A file says of itself where it comes from; nothing here can check that.
  if (activation === "evidence" || untrusted.includes("imported")) return `its words may come from ${untrusted.map(named).join(" and ")}`;
  if (principals >= LEAST_PRINCIPALS) return undefined;
  return `the runs it was read from name ${principals} of ${LEAST_PRINCIPALS} independent users or conversations that are needed`;
}

function named(taint: Taint): string {
  return taint === "user" ? "users" : taint === "tool" ? "tools" : taint === "imported" ? "a file" : "a model";
}
