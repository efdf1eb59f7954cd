import { oneLine } from "../base/text.ts";
import type { ScopeContent } from "../span/span.ts";
import type { Diagnostics, StoreStatus } from "../store/ports.ts";

/** "@x/y (nodejs) of service shop". Fit for a terminal: names come from strangers. */
export function emitterName({ scope, language, service }: Pick<ScopeContent, "scope" | "language" | "service">): string {
  const name = scope === "" ? "an emitter without a scope name" : oneLine(scope, 160);
  return `${name}${language === undefined ? "" : ` (${oneLine(language, 40)})`}${service === undefined ? "" : ` of service ${oneLine(service, 100)}`}`;
}

export function contentText(content: ScopeContent): string {
  const { llmCalls, withContent } = content;
  if (withContent > 0) return `content from ${emitterName(content)} in ${withContent} of ${counted(llmCalls, "LLM call")}`;
  return `no content captured by ${emitterName(content)} in ${llmCalls} of ${counted(llmCalls, "LLM call")}`;
}

/** What to set; undefined where content comes. */
export function contentHint({ switch: advice }: ScopeContent): string | undefined {
  return advice === undefined ? undefined : `set ${advice.set}${advice.note === undefined ? "" : ` (${advice.note})`}`;
}

export function lossText(diagnostics: Diagnostics, status: StoreStatus): string {
  const { dropped, truncated, receiver } = diagnostics;
  const parts = [
    `${counted(dropped, "record")} dropped by processors`,
    `${counted(truncated, "span")} truncated by their emitter`,
    `${counted(status.unmappableBodies, "request")} unreadable`,
  ];
  if (receiver === undefined) return parts.join(", ");
  return `${parts.join(", ")}; receiver: ${receiver.accepted} accepted, ${receiver.rejected} rejected${refusedText(receiver.refused)}`;
}

/** ", 3 requests answered http 401", or nothing. */
export function refusedText(refused: { readonly [answer: string]: number }): string {
  return Object.entries(refused)
    .map(([answer, count]) => `, ${counted(count, "request")} answered ${answer}`)
    .join("");
}

export function inferredText({ inferred, traces }: Diagnostics): string {
  const { steps, errors, backfilled } = inferred;
  const read = `${counted(steps, "tool step")} and ${counted(errors, "error")} read out of messages`;
  return `${read}, ${counted(backfilled, "tool span")} completed from them (newest ${counted(traces, "trace")})`;
}

const UNITS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
] as const;

/** "3 minutes ago", in the largest unit that fits. */
export function ageInWords(ageSeconds: number): string {
  const seconds = Math.round(ageSeconds);
  const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? ["second", 1];
  const count = Math.floor(Math.abs(seconds) / size);
  const amount = counted(count, unit);
  if (seconds === 0) return "just now";
  return seconds > 0 ? `${amount} ago` : `${amount} ahead of this clock`;
}

export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
