import { contentSwitchFor } from "./content-switch.ts";
import { isObject } from "./json.ts";
import type { AttributeValue } from "./raw-span.ts";
import type { Message, Part, ScopeContent, Span } from "./span.ts";

/** What emitters write instead of words. */
const REDACTED = /^\s*<?_*REDACTED_*>?\s*$/;

/** One LLM call of a scope, as far as its words are concerned. */
export interface ContentCall {
  readonly span: Span;
  /** Log records with GenAI names that came with it. */
  readonly logRecords: number;
  /** True when a span of the same call, of another scope, carries the words. */
  readonly toldElsewhere?: boolean;
}

/**
 * True when the span carries words: text, reasoning, tool arguments or a tool's answer. System instructions alone are none, because emitters
 * write them also with content capture off. So are tool calls without arguments and text that was redacted.
 */
export function carriesContent(span: Span): boolean {
  const messages = [...(span.inputMessages ?? []), ...(span.outputMessages ?? [])];
  return messages.some(saysSomething) || [span.input, span.output].some(isWords);
}

/** How many of the LLM calls of one scope carry content, and what to set when none does. Spans of other roles do not count. */
export function scopeContentOf(scope: Pick<ScopeContent, "scope" | "language" | "service">, calls: readonly ContentCall[]): ScopeContent {
  const llm = calls.filter(({ span }) => span.role === "llm");
  return withSwitch({
    ...scope,
    llmCalls: llm.length,
    withContent: llm.filter(({ span, toldElsewhere }) => toldElsewhere === true || carriesContent(span)).length,
    withLogRecords: llm.filter(({ logRecords }) => logRecords > 0).length,
  });
}

/** Counts of several traces as one; those without content first, then by name. */
export function uniteScopes(scopes: readonly ScopeContent[]): readonly ScopeContent[] {
  const byScope = new Map<string, ScopeContent>();
  for (const one of scopes) {
    const key = JSON.stringify([one.scope, one.language, one.service]);
    const sum = byScope.get(key);
    byScope.set(
      key,
      sum === undefined
        ? one
        : withSwitch({
            ...sum,
            llmCalls: sum.llmCalls + one.llmCalls,
            withContent: sum.withContent + one.withContent,
            withLogRecords: sum.withLogRecords + one.withLogRecords,
          }),
    );
  }
  const silent = (one: ScopeContent): number => (one.switch === undefined ? 1 : 0);
  return [...byScope.values()].sort((a, b) => silent(a) - silent(b) || (a.scope < b.scope ? -1 : 1));
}

function withSwitch({ switch: _before, ...counts }: ScopeContent): ScopeContent {
  if (counts.llmCalls === 0 || counts.withContent > 0) return counts;
  return { ...counts, switch: contentSwitchFor(counts.scope, counts.language, counts.withLogRecords > 0) };
}

function saysSomething(message: Message): boolean {
  return message.role !== "system" && message.role !== "developer" && message.parts.some(holdsWords);
}

function holdsWords(part: Part): boolean {
  if (part.type === "text" || part.type === "reasoning") return isWords(part.content);
  if (part.type === "tool_call") return holdsValue(part.arguments);
  return part.type === "tool_call_response" ? holdsValue(part.response) : holdsValue(part.value);
}

function isWords(text: string | undefined): boolean {
  return text !== undefined && text.trim() !== "" && !REDACTED.test(text);
}

function holdsValue(value: AttributeValue): boolean {
  if (value === null || value === undefined) return false;
  if (typeof value === "string") return isWords(value);
  if (Array.isArray(value)) return value.length > 0;
  return !isObject(value) || Object.keys(value).length > 0;
}
