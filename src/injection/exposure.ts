import type { SpanExposure } from "../span/span.ts";
import { KNOWLEDGE_GIVEN, KNOWLEDGE_WITHHELD, KNOWLEDGE_WITHHOLD_PROBABILITY } from "../telemetry/attributes.ts";

/** Plain OpenTelemetry attribute values, as `span.setAttributes` takes them. */
export type ExposureAttributes = { readonly [key: string]: string[] | number };

/** What one call decided, as far as a span needs it. An `Injection` is one; so is what the API of a collector answers. */
export interface Assigned {
  readonly given: readonly { readonly id: string }[];
  readonly withheld: readonly { readonly id: string }[];
  readonly withholdProbability: number;
}

/** The assignment by ids, never text. Undefined when no item was eligible: such a run says nothing about any item. */
export function exposureOf({ given, withheld, withholdProbability }: Assigned): SpanExposure | undefined {
  if (given.length === 0 && withheld.length === 0) return undefined;
  return { given: given.map(({ id }) => id), withheld: withheld.map(({ id }) => id), withholdProbability };
}

/** An exposure as span attributes, to be read back by the span room. */
export function exposureAttributes({ given, withheld, withholdProbability }: SpanExposure): ExposureAttributes {
  return {
    [KNOWLEDGE_GIVEN]: [...given],
    [KNOWLEDGE_WITHHELD]: [...withheld],
    [KNOWLEDGE_WITHHOLD_PROBABILITY]: withholdProbability,
  };
}
