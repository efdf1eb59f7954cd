import type { SpanExposure } from "../span/span.ts";
import {
  KNOWLEDGE_ARM,
  KNOWLEDGE_CONTROL_SHARE,
  KNOWLEDGE_GIVEN,
  KNOWLEDGE_PINNED,
  KNOWLEDGE_WITHHELD,
  KNOWLEDGE_WITHHOLD_PROBABILITY,
} from "../telemetry/attributes.ts";

/** Plain OpenTelemetry attribute values, as `span.setAttributes` takes them. */
export type ExposureAttributes = { readonly [key: string]: string[] | string | number };

/** What one call decided, as far as a span needs it. An `Injection` is one; so is what the API of a collector answers. */
export interface Assigned {
  readonly given: readonly AssignedItem[];
  readonly withheld: readonly AssignedItem[];
  readonly withholdProbability: number;
  readonly arm?: "knowledge" | "control";
  readonly controlShare?: number;
}

/** An absent priority is normal. */
export interface AssignedItem {
  readonly id: string;
  readonly priority?: "pinned" | "normal";
}

/** The assignment by ids, never text. Undefined when no item was eligible: such a run says nothing about any item. */
export function exposureOf({ given, withheld, withholdProbability, arm, controlShare }: Assigned): SpanExposure | undefined {
  if (given.length === 0 && withheld.length === 0) return undefined;
  const pinned = [...given, ...withheld].filter(({ priority }) => priority === "pinned").map(({ id }) => id);
  return {
    given: given.map(({ id }) => id),
    withheld: withheld.map(({ id }) => id),
    withholdProbability,
    ...(pinned.length === 0 ? {} : { pinned }),
    ...(arm === undefined || controlShare === undefined ? {} : { arm, controlShare }),
  };
}

/** An exposure as span attributes, to be read back by the span room. */
export function exposureAttributes({ given, withheld, withholdProbability, pinned, arm, controlShare }: SpanExposure): ExposureAttributes {
  return {
    [KNOWLEDGE_GIVEN]: [...given],
    [KNOWLEDGE_WITHHELD]: [...withheld],
    [KNOWLEDGE_WITHHOLD_PROBABILITY]: withholdProbability,
    ...(pinned === undefined ? {} : { [KNOWLEDGE_PINNED]: [...pinned] }),
    ...(arm === undefined ? {} : { [KNOWLEDGE_ARM]: arm }),
    ...(controlShare === undefined ? {} : { [KNOWLEDGE_CONTROL_SHARE]: controlShare }),
  };
}
