import type { Context } from "@opentelemetry/api";
import { hasGenAiKey } from "../span/genai-keys.ts";
import { BAGGAGE_ARM, BAGGAGE_ITEMS, BAGGAGE_SEED, TENANT, TENANT_KEYS } from "../telemetry/attributes.ts";
import { type BaggagePolicy, createDrawReader } from "./baggage.ts";
import { currentRun } from "./run-context.ts";

/** A span that an SDK has just started, as far as it is needed here. */
interface StartedSpan {
  readonly attributes?: object;
  setAttributes?(attributes: { readonly [key: string]: string | string[] }): unknown;
}

/**
 * Writes on a GenAI span, as it starts, what baggage says of the request it belongs to. Three keys and no other, so that nothing else that travels in
 * baggage lands in a trace. And whom the run works for: as the run says, else `tenant`, the setting of the process; never as anything from outside says.
 * Other spans are left alone: our keys would make GenAI spans of them.
 */
export function createStamp(policy: BaggagePolicy, tenant?: string): (span: StartedSpan, parentContext: unknown) => void {
  const drawOf = createDrawReader(policy);
  return (span, parentContext) => {
    // First, since it costs two looks into maps where there is neither.
    const draw = drawOf(parentContext as Context);
    const worksFor = currentRun()?.tenant ?? tenant ?? "";
    if ((draw === undefined && worksFor === "") || !hasGenAiKey(span.attributes ?? {})) return;
    if (draw !== undefined) span.setAttributes?.({ [BAGGAGE_SEED]: draw.seed, [BAGGAGE_ARM]: draw.arm, [BAGGAGE_ITEMS]: [...draw.items] });
    const said = TENANT_KEYS.some((key) => Object.hasOwn(span.attributes ?? {}, key));
    if (worksFor !== "" && !said) span.setAttributes?.({ [TENANT]: worksFor });
  };
}
