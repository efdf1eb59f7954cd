import { oneLine } from "../base/text.ts";
import type { GuardReport } from "../learner/guard-report.ts";
import { paint } from "./terminal.ts";

/** What the guards say about an item, and which of its words stand where. Text of others has its invisible characters spelt out. */
export function guardLines({ guards, findings, provenance, principals, sources, missing, taint, waits }: GuardReport): readonly string[] {
  const lost = missing === 0 ? "" : `, ${missing} no longer stored`;
  return [
    `read from     ${sources} stored ${sources === 1 ? "run" : "runs"}${lost}; ${principals} independent ${principals === 1 ? "user or conversation" : "users or conversations"}`,
    `taint         ${taint.join(", ") || "none"}`,
    `guards        ${guards.map(({ guard, decision }) => `${guard} ${decision === "allow" ? "ok" : decision}`).join(", ") || "none was asked"}`,
    ...provenance.map(({ traceId, step, field, words }) => {
      const place = step === undefined ? field : `${field} of step ${step}`;
      return `shares words  ${oneLine(words, 120)} (${place}, run ${oneLine(traceId.slice(0, 12), 12)})`;
    }),
    ...findings.map(({ guard, decision, reason }) => `${paint("red", decision.padEnd(13))} it ${oneLine(reason, 240)} (${guard})`),
    ...(findings.length === 0 && waits !== undefined ? [`waits         for a person: ${oneLine(waits, 160)}`] : []),
  ];
}
