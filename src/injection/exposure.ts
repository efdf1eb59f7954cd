import type { SpanExposure } from "../span/span.ts";
import {
  KNOWLEDGE_ARM,
  KNOWLEDGE_CANARY,
  KNOWLEDGE_CANARY_MEMBER,
  KNOWLEDGE_CANARY_SHARE,
  KNOWLEDGE_CONTROL_SHARE,
  KNOWLEDGE_GIVEN,
  KNOWLEDGE_LISTED,
  KNOWLEDGE_PINNED,
  KNOWLEDGE_WITHHELD,
  KNOWLEDGE_WITHHOLD_PROBABILITY,
} from "../telemetry/attributes.ts";

/** Plain OpenTelemetry attribute values, as `span.setAttributes` takes them. */
export type ExposureAttributes = { readonly [key: string]: string[] | string | number | boolean };

/** What one call decided, as far as a span needs it. An `Injection` is one; so is what the API of a collector answers. */
export interface Assigned {
  readonly given: readonly AssignedItem[];
  readonly withheld: readonly AssignedItem[];
  readonly withholdProbability: number;
  readonly arm?: "knowledge" | "control";
  readonly controlShare?: number;
  readonly listed?: readonly AssignedItem[];
  readonly canary?: { readonly item: { readonly id: string }; readonly member: boolean; readonly share: number };
}

/** An absent priority is normal. */
export interface AssignedItem {
  readonly id: string;
  readonly priority?: "pinned" | "normal";
}

/** The assignment by ids, never text. Undefined when no item was eligible: such a run says nothing about any item. */
export function exposureOf(assigned: Assigned): SpanExposure | undefined {
  const { given, withheld, withholdProbability, arm, controlShare, listed = [], canary } = assigned;
  if (given.length + withheld.length + listed.length === 0 && canary === undefined) return undefined;
  const pinned = [...given, ...withheld].filter(({ priority }) => priority === "pinned").map(({ id }) => id);
  return {
    given: given.map(({ id }) => id),
    withheld: withheld.map(({ id }) => id),
    withholdProbability,
    ...(pinned.length === 0 ? {} : { pinned }),
    ...(arm === undefined || controlShare === undefined ? {} : { arm, controlShare }),
    ...(listed.length === 0 ? {} : { listed: listed.map(({ id }) => id) }),
    ...(canary === undefined ? {} : { canary: { ids: [canary.item.id], member: canary.member, share: canary.share } }),
  };
}

/** An exposure as span attributes, to be read back by the span room. */
export function exposureAttributes(exposure: SpanExposure): ExposureAttributes {
  const { given, withheld, withholdProbability, pinned, arm, controlShare, listed, canary } = exposure;
  return {
    [KNOWLEDGE_GIVEN]: [...given],
    [KNOWLEDGE_WITHHELD]: [...withheld],
    [KNOWLEDGE_WITHHOLD_PROBABILITY]: withholdProbability,
    ...(pinned === undefined ? {} : { [KNOWLEDGE_PINNED]: [...pinned] }),
    ...(arm === undefined ? {} : { [KNOWLEDGE_ARM]: arm }),
    ...(controlShare === undefined ? {} : { [KNOWLEDGE_CONTROL_SHARE]: controlShare }),
    ...(listed === undefined ? {} : { [KNOWLEDGE_LISTED]: [...listed] }),
    ...(canary === undefined
      ? {}
      : {
          [KNOWLEDGE_CANARY]: [...canary.ids],
          [KNOWLEDGE_CANARY_MEMBER]: canary.member,
          [KNOWLEDGE_CANARY_SHARE]: canary.share,
        }),
  };
}
