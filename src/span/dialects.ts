import { openInferenceDialect } from "./dialect-openinference.ts";
import { otelDialect } from "./dialect-otel.ts";
import { otelEventsDialect } from "./dialect-otel-events.ts";
import { traceloopDialect } from "./dialect-traceloop.ts";
import { vercelAiDialect } from "./dialect-vercel-ai.ts";
import type { Dialect } from "./ports.ts";

/**
 * In order of trust. A dialect of its own vocabulary stands before OTel, because frameworks write `gen_ai.*` beside it less completely;
 * OTel attributes stand before OTel events, because an emitter that writes both writes the same twice.
 */
export const dialects: readonly Dialect[] = [openInferenceDialect, vercelAiDialect, traceloopDialect, otelDialect, otelEventsDialect];
