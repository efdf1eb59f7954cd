import { capabilityGuard } from "./capability.ts";
import { charactersGuard } from "./characters.ts";
import { copyThroughGuard } from "./copy-through.ts";
import type { Guard, GuardInput } from "./guard.ts";
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

/** What all guards object to, refusals first. Empty: nothing. */
export function review(input: GuardInput, guards: readonly Guard[] = LESSON_GUARDS): readonly GuardFinding[] {
  const findings = guards.flatMap((guard): GuardFinding[] => {
    const verdict = guard.check(input);
    return verdict.decision === "allow" ? [] : [{ guard: guard.name, ...verdict }];
  });
  return [...findings.filter(({ decision }) => decision === "refuse"), ...findings.filter(({ decision }) => decision === "quarantine")];
}
