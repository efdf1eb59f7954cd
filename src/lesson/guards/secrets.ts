import { redact } from "../../base/redact.ts";
import { ALLOW, type Guard, quarantine, textsOf } from "./guard.ts";

/** Lessons are stored without secrets and personal data; what still holds some was written past that, by hand or by an older version. */
export const secretsGuard: Guard = {
  name: "secrets",
  check: ({ lesson }) => {
    const kinds = textsOf(lesson).flatMap((text) => redact(text).kinds);
    return kinds.length === 0 ? ALLOW : quarantine(`holds ${[...new Set(kinds)].join(", ")}`);
  },
};
