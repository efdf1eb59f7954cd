import { context, trace } from "@opentelemetry/api";
import { spanIdOf } from "../agent/record-run.ts";
import { currentRun } from "../agent/run-context.ts";
import { exposureAttributes } from "../injection/exposure.ts";
import type { OuterRun } from "../span/ports.ts";
import { TENANT } from "../telemetry/attributes.ts";
import { isTrial } from "./processors.ts";

const SAMPLED = 1;

/**
 * What a framework's run happens in: the active span of the host, or a run of `learn.trace` or `withKnowledge`. A run without a span of its own
 * has nowhere else to say which knowledge it was given, so the spans inside do.
 */
export function outerRun(): OuterRun | undefined {
  const run = currentRun();
  const active = trace.getSpan(context.active())?.spanContext();
  const ownSpanId = run === undefined ? undefined : spanIdOf(run);
  const attributes = () => {
    const exposure = ownSpanId === undefined ? run?.exposures.total() : undefined;
    // Of the run, where it says; the setting of the process stands in the resource.
    const tenant = run?.tenant === undefined || run.tenant === "" ? {} : { [TENANT]: run.tenant };
    return exposure === undefined ? tenant : { ...tenant, ...exposureAttributes(exposure) };
  };
  const own = ownSpanId !== undefined;
  const trial = isTrial();
  if (active !== undefined && !/^0*$/.test(active.spanId)) {
    const sampled = (active.traceFlags & SAMPLED) === SAMPLED && !trial;
    return { traceId: active.traceId, spanId: active.spanId, own, sampled, attributes };
  }
  if (run === undefined) return undefined;
  return { traceId: run.traceId, ...(ownSpanId === undefined ? {} : { spanId: ownSpanId }), own, sampled: !trial, attributes };
}
