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
  if (withContent > 0) return `content from ${emitterName(content)} in ${withContent} of ${calls(llmCalls)}`;
  return `no content captured by ${emitterName(content)} in ${llmCalls} of ${calls(llmCalls)}`;
}

/** What to set; undefined where content comes. */
export function contentHint({ switch: advice }: ScopeContent): string | undefined {
  return advice === undefined ? undefined : `set ${advice.set}${advice.note === undefined ? "" : ` (${advice.note})`}`;
}

export function lossText(diagnostics: Diagnostics, status: StoreStatus): string {
  const { dropped, truncated, receiver } = diagnostics;
  const parts = [
    `${dropped} records dropped by processors`,
    `${truncated} spans truncated by their emitter`,
    `${status.unmappableBodies} requests unreadable`,
  ];
  if (receiver === undefined) return parts.join(", ");
  return `${parts.join(", ")}; receiver: ${receiver.accepted} accepted, ${receiver.rejected} rejected${refusedText(receiver.refused)}`;
}

/** ", 3 requests answered http 401", or nothing. */
export function refusedText(refused: { readonly [answer: string]: number }): string {
  return Object.entries(refused)
    .map(([answer, count]) => `, ${count === 1 ? "1 request" : `${count} requests`} answered ${answer}`)
    .join("");
}

export function inferredText({ inferred, traces }: Diagnostics): string {
  const { steps, errors, backfilled } = inferred;
  return `${steps} tool steps and ${errors} errors read out of messages, ${backfilled} tool spans completed from them (newest ${traces} traces)`;
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
  const amount = `${count} ${unit}${count === 1 ? "" : "s"}`;
  if (seconds === 0) return "just now";
  return seconds > 0 ? `${amount} ago` : `${amount} ahead of this clock`;
}

function calls(count: number): string {
  return `${count} LLM call${count === 1 ? "" : "s"}`;
}
