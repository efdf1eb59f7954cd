import fc from "fast-check";
import { expect, test } from "vitest";
import { dialects } from "../../../src/span/dialects.ts";
import { occurrencesOf } from "../../../src/span/occurrences.ts";
import type { Attributes } from "../../../src/span/raw-span.ts";
import { anEvent, aRawLog, aRawSpan } from "./raw-factory.ts";

// `normalise` swallows what a dialect throws and keeps an empty step, so a throwing dialect would lose content unseen.

const KEYS = [
  ["ai.operationId", "ai.prompt", "ai.prompt.messages", "ai.values", "ai.response.toolCalls", "ai.toolCall.args"],
  ["langfuse.observation.type", "langfuse.observation.input", "langfuse.observation.output", "langfuse.observation.usage_details"],
  ["langfuse.observation.cost_details", "langfuse.observation.completion_start_time", "langfuse.trace.input"],
  ["mastra.span.type", "mastra.agent_run.input", "mastra.agent_run.output", "mastra.model_step.input", "mastra.model_step.output"],
  ["mlflow.spanType", "mlflow.spanInputs", "mlflow.spanOutputs", "mlflow.chat.tokenUsage", "mlflow.llm.cost"],
  ["genkit:type", "genkit:metadata:subtype", "genkit:input", "genkit:output", "genkit:name"],
  ["gcp.vertex.agent.llm_request", "gcp.vertex.agent.llm_response", "gcp.vertex.agent.tool_response"],
  ["span.type", "tool_input", "new_context", "stop_reason", "error", "anthropic.tool_result.content", "anthropic.message.stop_reason"],
  ["gen_ai.operation.name", "gen_ai.input.messages", "gen_ai.retrieval.documents", "gen_ai.prompt.0.content", "gen_ai.completion.0.role"],
  ["openinference.span.kind", "input.value", "output.value", "retrieval.documents.0.document.metadata", "traceloop.entity.input"],
  ["output", "db.query.result.metadata", "db.query.result.document", "cost_usd", "gen_ai.system"],
].flat();

const WORDS = ["claude_code.tool", "claude_code.llm_request", "generation", "retriever", "tool", "constructor", "__proto__", "model_step"];
const TYPES = ["agent_run", '"RETRIEVER"', '"CHAT_MODEL"', "model", "ai.embed.doEmbed", "ai.generateText.doGenerate", "RERANKER", "LLM"];
const EVENTS = ["tool.output", "db.query.result", "claude_code.api_request", "gen_ai.choice", "gen_ai.user.message", ""];

/** JSON in the shapes that the readers look into, with anything at the leaves. */
function payload(): fc.Arbitrary<unknown> {
  const key = fc.constantFrom(
    "messages",
    "contents",
    "role",
    "content",
    "parts",
    "text",
    "documents",
    "usage",
    "choices",
    "message",
    "body",
  );
  const call = fc.constantFrom("functionCall", "toolRequest", "tool_calls", "toolCalls", "document", "metadata", "score", "total", "value");
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.jsonValue(),
      fc.dictionary(fc.oneof(key, call), tie("tree")),
      fc.array(tie("tree"), { maxLength: 3 }),
    ),
  }));
  return tree;
}

test("no dialect throws, whatever the attributes, events and logs hold", () => {
  const value = fc.oneof(
    fc.constantFrom(...WORDS, ...TYPES),
    payload(),
    payload().map((tree) => JSON.stringify(tree)),
  );
  const attributes = fc.dictionary(fc.constantFrom(...KEYS), value) as fc.Arbitrary<Attributes>;
  fc.assert(
    fc.property(attributes, attributes, fc.constantFrom(...EVENTS), payload(), (given, said, name, body) => {
      const span = aRawSpan(given, { name: "claude_code.x", events: [anEvent(name, said)] });
      const log = aRawLog({ attributes: said, body: body as Attributes, ...(name === "" ? {} : { eventName: name }) });
      for (const dialect of dialects) {
        expect(() => dialect.read({ span, occurrences: occurrencesOf(span, [log]) }), dialect.name).not.toThrow();
      }
    }),
    { numRuns: 200 },
  );
});
