import fc from "fast-check";
import { describe, test } from "vitest";
import { dialects } from "../../../src/span/dialects.ts";
import { occurrencesOf } from "../../../src/span/occurrences.ts";
import type { Attributes, AttributeValue } from "../../../src/span/raw-span.ts";
import { anEvent, aRawLog, aRawSpan } from "./raw-factory.ts";

// `normalise` swallows what a dialect throws and keeps an empty step, so a throwing dialect would lose content unseen.

interface Vocabulary {
  /** The key that says what a span is, with words that lead into each reader. */
  readonly kind: readonly [key: string, ...words: string[]];
  readonly contents: readonly string[];
}

const VOCABULARIES: readonly Vocabulary[] = [
  {
    kind: ["ai.operationId", "ai.embed.doEmbed", "ai.generateText.doGenerate", "ai.toolCall"],
    contents: ["ai.prompt", "ai.prompt.messages", "ai.values", "ai.response.toolCalls", "ai.toolCall.args"],
  },
  {
    kind: ["langfuse.observation.type", "generation", "retriever", "tool", "agent", "constructor"],
    contents: ["input", "output", "usage_details", "cost_details", "completion_start_time"].map((name) => `langfuse.observation.${name}`),
  },
  {
    kind: ["mastra.span.type", "agent_run", "model_step", "tool_call", "__proto__"],
    contents: ["agent_run.input", "agent_run.output", "model_step.input", "model_step.output"].map((name) => `mastra.${name}`),
  },
  {
    kind: ["mlflow.spanType", '"CHAT_MODEL"', '"RETRIEVER"', '"TOOL"', '"AGENT"'],
    contents: ["mlflow.spanInputs", "mlflow.spanOutputs", "mlflow.chat.tokenUsage", "mlflow.llm.cost"],
  },
  { kind: ["genkit:metadata:subtype", "model", "retriever", "tool", "flow"], contents: ["genkit:input", "genkit:output", "genkit:name"] },
  {
    kind: ["gcp.vertex.agent.event_id", "e"],
    contents: ["gcp.vertex.agent.llm_request", "gcp.vertex.agent.llm_response", "gcp.vertex.agent.tool_response"],
  },
  {
    kind: ["span.type", "tool", "llm_request", "interaction"],
    contents: ["tool_input", "new_context", "stop_reason", "error", "full_command"],
  },
  { kind: ["anthropic.request.id", "r"], contents: ["anthropic.tool_result.content", "anthropic.message.stop_reason"] },
  {
    kind: ["gen_ai.operation.name", "chat", "retrieval", "execute_tool", "invoke_agent"],
    contents: ["gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.retrieval.documents", "gen_ai.tool.call.result"],
  },
  { kind: ["llm.request.type", "chat"], contents: ["gen_ai.prompt.0.content", "gen_ai.completion.0.tool_calls.0.arguments"] },
  {
    kind: ["openinference.span.kind", "LLM", "RETRIEVER", "TOOL", "AGENT"],
    contents: [
      "input.value",
      "output.value",
      "metadata",
      "retrieval.documents.0.document.metadata",
      "llm.input_messages.0.message.contents.0.x",
    ],
  },
  { kind: ["traceloop.span.kind", "tool", "workflow"], contents: ["traceloop.entity.input", "traceloop.entity.output"] },
];
const EVENTS = [
  ...["tool.output", "db.query.result", "claude_code.api_request", "assistant_response", "tool_result", "user_prompt"],
  ...["gen_ai.choice", "gen_ai.user.message", "gen_ai.client.inference.operation.details", "mlflow.chunk.item.0", ""],
];
const EVENT_KEYS = [
  ...["output", "input", "db.query.result.metadata", "db.query.result.document", "cost_usd", "gen_ai.system", "gen_ai.output.messages"],
  ...["response", "prompt", "tool_name", "tool_use_id", "tool_input", "user.id"],
];

const FIELDS = [
  ["messages", "contents", "role", "content", "parts", "text", "documents", "usage", "choices", "message", "body", "query"],
  ["functionCall", "toolRequest", "tool_calls", "toolCalls", "document", "metadata", "score", "total", "value", "config"],
].flat();

/** JSON in the shapes that the readers look into, with anything at the leaves; as it is or as text. */
function payload(): fc.Arbitrary<AttributeValue> {
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4, depthIdentifier: "tree" },
      fc.oneof(fc.constant(null), fc.boolean(), fc.double(), fc.string()),
      fc.dictionary(fc.constantFrom(...FIELDS), tie("tree"), { maxKeys: 3 }),
      fc.array(tie("tree"), { maxLength: 3 }),
    ),
  }));
  return fc.oneof(
    tree,
    tree.map((value) => JSON.stringify(value)),
  ) as fc.Arbitrary<AttributeValue>;
}

describe("no dialect throws on what a span of its vocabulary may hold", () => {
  test.each(VOCABULARIES)("$kind.0", ({ kind: [key, ...words], contents }) => {
    const kind = fc.record({ [key]: fc.constantFrom(...words) });
    const attributes = fc.record(Object.fromEntries(contents.map((content) => [content, payload()])), { requiredKeys: [] });
    const said = fc.dictionary(fc.constantFrom(...EVENT_KEYS), payload());
    fc.assert(
      fc.property(kind, attributes, said, fc.constantFrom(...EVENTS), payload(), (type, given, eventAttributes, name, body) => {
        const span = aRawSpan({ ...type, ...given } as Attributes, { name: "claude_code.x", events: [anEvent(name, eventAttributes)] });
        const log = aRawLog({ attributes: eventAttributes, body, ...(name === "" ? {} : { eventName: name }) });
        for (const dialect of dialects) dialect.read({ span, occurrences: occurrencesOf(span, [log]) });
      }),
      { numRuns: 150 },
    );
  });
});
