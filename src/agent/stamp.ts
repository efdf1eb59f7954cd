import type { Context } from "@opentelemetry/api";
import { hasGenAiKey } from "../span/genai-keys.ts";
import { BAGGAGE_ARM, BAGGAGE_ITEMS, BAGGAGE_SEED } from "../telemetry/attributes.ts";
import { type BaggagePolicy, createDrawReader } from "./baggage.ts";

/** A span that an SDK has just started, as far as it is needed here. */
interface StartedSpan {
  readonly attributes?: object;
  setAttributes?(attributes: { readonly [key: string]: string | string[] }): unknown;
}

/**
 * Writes on a GenAI span, as it starts, what baggage says of the request it belongs to. Three keys and no other, so that nothing else that travels in
 * baggage lands in a trace. Other spans are left alone: our keys would make GenAI spans of them.
 */
export function createStamp(policy: BaggagePolicy): (span: StartedSpan, parentContext: unknown) => void {
  const drawOf = createDrawReader(policy);
  return (span, parentContext) => {
    // First, since it costs one look into a map where there is no baggage.
    const draw = drawOf(parentContext as Context);
    if (draw === undefined || !hasGenAiKey(span.attributes ?? {})) return;
    span.setAttributes?.({ [BAGGAGE_SEED]: draw.seed, [BAGGAGE_ARM]: draw.arm, [BAGGAGE_ITEMS]: [...draw.items] });
  };
}
