import { oneLine } from "../base/text.ts";
import { paint } from "./terminal.ts";

/** One thing that `agentlearn doctor` looked at. */
export interface Finding {
  readonly check: string;
  /** warn: works, but not as wanted. fail: does not work. */
  readonly level: "ok" | "warn" | "fail";
  readonly detail: string;
  readonly hint?: string;
}

// Paths of a few copies fit; what a stranger put into a scope name does not fill the screen.
const MAX_CHARACTERS = 2_000;

export function findingText({ check, level, detail, hint }: Finding): string {
  const mark = { ok: paint("green", "ok  "), warn: paint("yellow", "warn"), fail: paint("red", "fail") }[level];
  const next = hint === undefined ? "" : `\n     ${paint("dim", `next: ${oneLine(hint, MAX_CHARACTERS)}`)}`;
  return `${mark} ${check.padEnd(14)} ${oneLine(detail, MAX_CHARACTERS)}${next}`;
}
