import { type AttributeReader, createAttributeReader, objectIn } from "./attribute-reader.ts";
import { finishReasonsFrom } from "./finish-reason.ts";
import { toolCall } from "./message-part.ts";
import { messagesFrom } from "./messages.ts";
import { documentFrom } from "./payload.ts";
import type { Dialect, Occurrence } from "./ports.ts";
import type { Attributes, AttributeValue } from "./raw-span.ts";
import type { Message, Part, RetrievedDocument } from "./span.ts";

const FLATTENED = /^gen_ai\.(?:prompt|completion)\.\d/;
const FOUND = "db.query.result";

/** OpenLLMetry before 0.23, its Python line and those who copied them: one attribute per field of a message, one event per found document. */
export const flattenedDialect: Dialect = {
  name: "flattened",
  read({ span: { attributes }, occurrences }) {
    const documents = occurrences.filter(({ name }) => name === FOUND);
    if (documents.length === 0 && !Object.keys(attributes).some((key) => FLATTENED.test(key))) return undefined;
    const reader = createAttributeReader(attributes);
    const completions = reader.list("gen_ai.completion");
    const inputMessages = reader.list("gen_ai.prompt").flatMap((record) => messagesOf(record, "user"));
    const outputMessages = completions.flatMap((record) => messagesOf(record, "assistant"));
    const reasons = completions.flatMap((record) => record["finish_reason"] ?? []);
    return {
      role: roleOf(reader, documents.length > 0),
      inputMessages: inputMessages.length > 0 ? inputMessages : undefined,
      outputMessages: outputMessages.length > 0 ? outputMessages : undefined,
      finishReasons: finishReasonsFrom(reasons),
      retrieval: documents.length > 0 ? { documents: documents.map(documentOf) } : undefined,
    };
  },
};

function roleOf(reader: AttributeReader, found: boolean): "llm" | "retrieval" | undefined {
  if (reader.has("gen_ai.operation.name") || reader.has("llm.request.type") || reader.has("traceloop.span.kind")) return undefined;
  return found ? "retrieval" : "llm";
}

function messagesOf(record: Attributes, fallbackRole: string): readonly Message[] {
  const reader = createAttributeReader(record);
  const calls: Part[] = reader.list("tool_calls").map((call) => toolCall(call));
  const called = reader.text("function_call.name");
  if (called !== undefined) calls.push(toolCall({ name: called, arguments: reader.value("function_call.arguments") ?? null }));
  const role = reader.text("role") ?? fallbackRole;
  const callId = reader.text("tool_call_id");
  const message: AttributeValue = {
    role,
    content: reader.value("content") ?? null,
    ...(callId === undefined ? {} : { tool_call_id: callId }),
  };
  return (messagesFrom([message], role)?.messages ?? []).map(({ role: said, parts }) => ({ role: said, parts: [...parts, ...calls] }));
}

function documentOf({ attributes }: Occurrence): RetrievedDocument {
  const field = (name: string): AttributeValue => attributes[`${FOUND}.${name}`] ?? null;
  const metadata = objectIn(field("metadata"));
  return documentFrom({
    id: field("id"),
    score: field("score"),
    content: field("document"),
    ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
  });
}
