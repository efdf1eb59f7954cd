import { anthropicDialect } from "./dialect-anthropic.ts";
import { claudeCodeDialect } from "./dialect-claude-code.ts";
import { flattenedDialect } from "./dialect-flattened.ts";
import { genkitDialect } from "./dialect-genkit.ts";
import { googleAdkDialect } from "./dialect-google-adk.ts";
import { langfuseDialect } from "./dialect-langfuse.ts";
import { mastraDialect } from "./dialect-mastra.ts";
import { mlflowDialect } from "./dialect-mlflow.ts";
import { openAiAgentsDialect } from "./dialect-openai-agents.ts";
import { openInferenceDialect } from "./dialect-openinference.ts";
import { otelDialect } from "./dialect-otel.ts";
import { otelEventsDialect } from "./dialect-otel-events.ts";
import { traceloopDialect } from "./dialect-traceloop.ts";
import { vercelAiDialect } from "./dialect-vercel-ai.ts";
import type { Dialect } from "./ports.ts";

/**
 * In order of trust. A dialect of its own vocabulary stands before OTel, because frameworks write `gen_ai.*` beside it less completely;
 * OTel attributes stand before OTel events, because an emitter that writes both writes the same twice. What a tool for observing was told
 * on purpose (Langfuse, OpenInference) stands before what a framework says of itself.
 */
export const dialects: readonly Dialect[] = [
  langfuseDialect,
  openInferenceDialect,
  mastraDialect,
  genkitDialect,
  vercelAiDialect,
  googleAdkDialect,
  claudeCodeDialect,
  traceloopDialect,
  flattenedDialect,
  mlflowDialect,
  openAiAgentsDialect,
  anthropicDialect,
  otelDialect,
  otelEventsDialect,
];
