import type { Usage } from "./span.ts";

/** Only what was reported; `undefined` when nothing was. A negative count is no report. */
export function usageFrom(fields: { readonly [Field in keyof Usage]?: number | undefined }): Usage | undefined {
  const usage: { -readonly [Field in keyof Usage]: Usage[Field] } = {};
  let isReported = false;
  for (const field of Object.keys(fields) as (keyof Usage)[]) {
    const count = fields[field];
    if (count === undefined || !(count >= 0)) continue;
    usage[field] = count;
    isReported = true;
  }
  return isReported ? usage : undefined;
}

/** What an emitter counts apart from each other; undefined means that it said nothing of it. */
export interface SplitTokens {
  readonly input?: number | undefined;
  readonly cacheRead?: number | undefined;
  readonly cacheWrite?: number | undefined;
  readonly output?: number | undefined;
  readonly reasoning?: number | undefined;
}

/** Normalises counts that stand beside each other: input without what the cache gave, output without reasoning. */
export function usageFromSplit(tokens: SplitTokens): Usage | undefined {
  return usageFrom({
    inputTokens: together(tokens.input, tokens.cacheRead, tokens.cacheWrite),
    outputTokens: together(tokens.output, tokens.reasoning),
    cacheReadTokens: tokens.cacheRead,
    cacheWriteTokens: tokens.cacheWrite,
    reasoningTokens: tokens.reasoning,
  });
}

/** Details without a total are no total. */
function together(total: number | undefined, ...details: readonly (number | undefined)[]): number | undefined {
  return total === undefined ? undefined : details.reduce((sum: number, detail) => sum + (detail ?? 0), total);
}
