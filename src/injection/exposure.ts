import { KNOWLEDGE_GIVEN, KNOWLEDGE_WITHHELD, KNOWLEDGE_WITHHOLD_PROBABILITY } from "../telemetry/attributes.ts";
import type { Injection } from "./injection.ts";

/** Plain OpenTelemetry attribute values, as `span.setAttributes` takes them. */
export type ExposureAttributes = { readonly [key: string]: string[] | number };

/** The assignment as span attributes: ids only, never text. Empty when no item was eligible: such a run says nothing about any item. */
export function exposureAttributes(injection: Injection): ExposureAttributes {
  if (injection.given.length === 0 && injection.withheld.length === 0) return {};
  return {
    [KNOWLEDGE_GIVEN]: injection.given.map((item) => item.id),
    [KNOWLEDGE_WITHHELD]: injection.withheld.map((item) => item.id),
    [KNOWLEDGE_WITHHOLD_PROBABILITY]: injection.withholdProbability,
  };
}
