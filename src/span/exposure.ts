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
import { valueFrom } from "./json.ts";
import type { Attributes, AttributeValue } from "./raw-span.ts";
import type { SpanExposure } from "./span.ts";

/**
 * The assignment that injection stamped on a span. Without a sound probability a withheld item is no evidence, and neither is a control run that was
 * given something, so such an exposure is absent rather than repaired.
 */
export function exposureFrom(attributes: Attributes): SpanExposure | undefined {
  const given = idsIn(attributes[KNOWLEDGE_GIVEN]);
  const withheld = idsIn(attributes[KNOWLEDGE_WITHHELD]);
  const listed = idsIn(attributes[KNOWLEDGE_LISTED]) ?? [];
  const canary = canaryIn(attributes);
  if (given === undefined && withheld === undefined) return undefined;
  const withholdProbability = shareIn(attributes[KNOWLEDGE_WITHHOLD_PROBABILITY]);
  const controlShare = shareIn(attributes[KNOWLEDGE_CONTROL_SHARE]);
  const pinned = idsIn(attributes[KNOWLEDGE_PINNED]) ?? [];
  const said = attributes[KNOWLEDGE_ARM];
  const arm = controlShare > 0 && (said === "control" || said === "knowledge") ? said : undefined;
  if (said === "control" && (arm === undefined || (given ?? []).length + listed.length > 0 || canary?.member === true)) return undefined;
  const drawn = (withheld ?? []).filter((id) => !pinned.includes(id));
  if (drawn.length > 0 && withholdProbability === 0) return undefined;
  if (drawn.length < (withheld ?? []).length && arm !== "control") return undefined;
  return {
    given: given ?? [],
    withheld: withheld ?? [],
    withholdProbability,
    ...(pinned.length === 0 ? {} : { pinned }),
    ...(arm === undefined ? {} : { arm, controlShare }),
    ...(listed.length === 0 ? {} : { listed }),
    ...(canary === undefined ? {} : { canary }),
  };
}

/** Absent unless all three attributes make sense: without a probability it is no evidence. */
function canaryIn(attributes: Attributes): SpanExposure["canary"] {
  const ids = idsIn(attributes[KNOWLEDGE_CANARY]) ?? [];
  const [member, share] = [attributes[KNOWLEDGE_CANARY_MEMBER], shareIn(attributes[KNOWLEDGE_CANARY_SHARE])];
  return ids.length === 0 || typeof member !== "boolean" || share === 0 ? undefined : { ids, member, share };
}

/** Several assignments of one run as one; undefined without any. What was given by one was given, and a run that was given anything is no control. */
export function uniteExposures(exposures: readonly SpanExposure[]): SpanExposure | undefined {
  const last = exposures.at(-1);
  if (last === undefined || exposures.length === 1) return last;
  const given = [...new Set(exposures.flatMap((exposure) => exposure.given))];
  const listed = [...new Set(exposures.flatMap((exposure) => exposure.listed ?? []))].filter((id) => !given.includes(id));
  const reached = [...given, ...listed];
  const withheld = [...new Set(exposures.flatMap((exposure) => exposure.withheld))].filter((id) => !reached.includes(id));
  const canary = unitedCanary(exposures);
  const pinned = [...new Set(exposures.flatMap((exposure) => exposure.pinned ?? []))];
  const drawn = exposures.find((exposure) => exposure.arm === "knowledge") ?? exposures.find((exposure) => exposure.arm === "control");
  return {
    given,
    withheld,
    withholdProbability: last.withholdProbability,
    ...(pinned.length === 0 ? {} : { pinned }),
    ...(drawn?.arm === undefined || drawn.controlShare === undefined ? {} : { arm: drawn.arm, controlShare: drawn.controlShare }),
    ...(listed.length === 0 ? {} : { listed }),
    ...(canary === undefined ? {} : { canary }),
  };
}

/** One run is on one side, since its seed decides. Where two seeds met in it, only what was given says something. */
function unitedCanary(exposures: readonly SpanExposure[]): SpanExposure["canary"] {
  const drawn = exposures.flatMap(({ canary }) => canary ?? []);
  const side = drawn.find(({ member }) => member) ?? drawn[0];
  if (side === undefined) return undefined;
  return { ...side, ids: [...new Set(drawn.filter(({ member }) => member === side.member).flatMap(({ ids }) => ids))] };
}

/** 0 for anything that is no probability below 1. */
function shareIn(said: AttributeValue | undefined): number {
  return typeof said === "number" && said >= 0 && said < 1 ? said : 0;
}

/** SDKs keep string arrays; some pipelines turn them into JSON text. */
function idsIn(value: AttributeValue | undefined): readonly string[] | undefined {
  const list = value === undefined ? undefined : valueFrom(value);
  if (!Array.isArray(list)) return undefined;
  return (list as AttributeValue[]).filter((id): id is string => typeof id === "string" && id !== "");
}
