import { createAttributeReader } from "./attribute-reader.ts";
import type { Dialect } from "./ports.ts";
import { type Roles, roleIn } from "./role.ts";

const ROLES: Roles = {
  task: "agent",
  // The agent that a task begins with and those it hands off to do one run together: the task is the run.
  agent: "wrapper",
  turn: "wrapper",
  generation: "llm",
  response: "llm",
  function: "tool",
  // The model asks for a handoff as for a tool, and the SDK makes this span of it instead of a function's.
  handoff: "tool",
};

/** Spans of the OpenAI Agents SDK, as our bridge writes them: OTel `gen_ai.*`, and here the kind of span and what OTel has no word for. */
export const openAiAgentsDialect: Dialect = {
  name: "openai-agents",
  read({ span }) {
    const reader = createAttributeReader(span.attributes);
    const type = reader.text("openai_agents.span.type");
    if (type === undefined) return undefined;
    const alone = type === "agent" && span.parentSpanId === undefined;
    return {
      role: alone ? "agent" : (roleIn(ROLES, type) ?? "other"),
      operation: reader.text("gen_ai.operation.name") ?? type,
      metadata: reader.rest("openai_agents."),
    };
  },
};
