import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hasGenAiKey, isGenAiKey } from "../../../src/span/genai-keys.ts";

/** One key that each vocabulary really has. */
const OURS = [
  ...[
    "agentlearn.knowledge.given",
    "ai.operationId",
    "anthropic.cache",
    "claude_code.api_request",
    "embedding.embeddings",
    "gen_ai.system",
  ],
  ...["genkit:name", "gcp.vertex.agent.llm_request", "llm.model_name", "langfuse.observation.type", "lk.response", "mcp.method.name"],
  ...["mastra.span.type", "mlflow.spanType", "openinference.span.kind", "span.type", "traceloop.entity.name"],
];
/** Their starts look like those above, or collide with them in a table of letters. */
const OTHERS = [
  ...[
    "client.address",
    "cassandra.page.size",
    "server.address",
    "thread.id",
    "messaging.system",
    "enduser.id",
    "span.name",
    "gen",
    "ai",
    "",
    "g",
  ],
  ...[
    "log.record.uid",
    "mlp",
    "aispy.x",
    "gén_ai.x",
    "\u00e7l\u00e1ude_code.",
    "agentlearned.x",
    "gen_air.x",
    "gcp.vertex.other",
    "http.route",
  ],
];

describe("a key", () => {
  test.each(OURS)("such as %s is of a GenAI vocabulary", (key) => expect(isGenAiKey(key)).toBe(true));

  test.each(OTHERS)("such as '%s' is not", (key) => expect(isGenAiKey(key)).toBe(false));

  test("of any letters is only with one of the starts", () => {
    const starts = OURS.map((key) => key.slice(0, /[.:]/.exec(key)?.index ?? 0));
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (key) => {
        if (isGenAiKey(key)) expect(starts.some((start) => key.startsWith(start))).toBe(true);
      }),
    );
  });
});

test("attributes with such a key among others have one; what is no record has none", () => {
  expect(hasGenAiKey({ "http.route": "/", "gen_ai.system": "openai" })).toBe(true);
  expect(hasGenAiKey(Object.create(null, { "gen_ai.system": { value: "openai", enumerable: true } }))).toBe(true);
  for (const none of [{}, { "http.route": "/" }, ["gen_ai.system"], Object("gen_ai.system"), new Uint8Array(4), null, undefined, 7]) {
    expect(hasGenAiKey(none as object)).toBe(false);
  }
});
