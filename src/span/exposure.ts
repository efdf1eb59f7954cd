import { KNOWLEDGE_GIVEN, KNOWLEDGE_WITHHELD, KNOWLEDGE_WITHHOLD_PROBABILITY } from "../telemetry/attributes.ts";
import { valueFrom } from "./json.ts";
import type { Attributes, AttributeValue } from "./raw-span.ts";
import type { SpanExposure } from "./span.ts";

/**
 * The assignment that injection stamped on a span. Without a sound probability a withheld item is no evidence, so such an exposure is
 * absent rather than repaired.
 */
export function exposureFrom(attributes: Attributes): SpanExposure | undefined {
  const given = idsIn(attributes[KNOWLEDGE_GIVEN]);
  const withheld = idsIn(attributes[KNOWLEDGE_WITHHELD]);
  if (given === undefined && withheld === undefined) return undefined;
  const said = attributes[KNOWLEDGE_WITHHOLD_PROBABILITY];
  const sound = typeof said === "number" && said >= 0 && said < 1;
  const withholdProbability = sound ? said : 0;
  if ((withheld ?? []).length > 0 && withholdProbability === 0) return undefined;
  return { given: given ?? [], withheld: withheld ?? [], withholdProbability };
}

/** SDKs keep string arrays; some pipelines turn them into JSON text. */
function idsIn(value: AttributeValue | undefined): readonly string[] | undefined {
  const list = value === undefined ? undefined : valueFrom(value);
  if (!Array.isArray(list)) return undefined;
  return (list as AttributeValue[]).filter((id): id is string => typeof id === "string" && id !== "");
}
