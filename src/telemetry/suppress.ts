import { type Context, context } from "@opentelemetry/api";

// The key of @opentelemetry/core, which is no dependency: every version of the SDK looks it up through the symbol registry.
const SUPPRESS_TRACING = Symbol.for("OpenTelemetry SDK Context Key SUPPRESS_TRACING");

/** Runs `run` so that instrumented clients inside make no spans: own I/O must not come back as the agent's. Returns and throws what it does. */
export function withoutTracing<T>(run: () => T): T {
  return context.with(context.active().setValue(SUPPRESS_TRACING, true), run);
}

export function isTracingSuppressed(scope: Context): boolean {
  return scope.getValue(SUPPRESS_TRACING) === true;
}
