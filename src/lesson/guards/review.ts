import { capabilityGuard } from "./capability.ts";
import { charactersGuard } from "./characters.ts";
import { copyThroughGuard } from "./copy-through.ts";
import type { Guard, GuardInput, GuardVerdict } from "./guard.ts";
import { lengthGuard } from "./length.ts";
import { linksGuard } from "./links.ts";
import { provenanceGuard } from "./provenance.ts";
import { roleTagsGuard } from "./role-tags.ts";
import { secretsGuard } from "./secrets.ts";

/** Every guard that reads nothing but the lesson and its source runs; each holds alone. */
export const LESSON_GUARDS: readonly Guard[] = [
  provenanceGuard,
  lengthGuard,
  charactersGuard,
  linksGuard,
  roleTagsGuard,
  secretsGuard,
  capabilityGuard,
  copyThroughGuard,
];

export interface GuardFinding {
  readonly guard: string;
  readonly decision: "quarantine" | "refuse";
  /** A sentence fragment after "the lesson". */
  readonly reason: string;
}

/** What one guard said, also where it has nothing against the lesson. */
export interface GuardAnswer {
  readonly guard: string;
  readonly decision: GuardVerdict["decision"];
  /** A sentence fragment after "the lesson"; absent where it allows. */
  readonly reason?: string;
}

/** What each guard says, in the order in which they speak. */
export function askGuards(input: GuardInput, guards: readonly Guard[] = LESSON_GUARDS): readonly GuardAnswer[] {
  return guards.map((guard) => ({ guard: guard.name, ...guard.check(input) }));
}

/** What all guards object to, refusals first. Empty: nothing. */
export function review(input: GuardInput, guards: readonly Guard[] = LESSON_GUARDS): readonly GuardFinding[] {
  return findingsIn(askGuards(input, guards));
}

/** The objections among the answers, refusals first. */
export function findingsIn(answers: readonly GuardAnswer[]): readonly GuardFinding[] {
  const findings = answers.flatMap(({ guard, decision, reason = "" }): GuardFinding[] =>
    decision === "allow" ? [] : [{ guard, decision, reason }],
  );
  return [...findings.filter(({ decision }) => decision === "refuse"), ...findings.filter(({ decision }) => decision === "quarantine")];
}
