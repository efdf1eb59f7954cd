import { createAttributeReader } from "./attribute-reader.ts";
import { finishReasonsFrom } from "./finish-reason.ts";
import { plainText } from "./message-part.ts";
import type { Dialect } from "./ports.ts";

/** What Anthropic's client libraries add to OTel `gen_ai.*`; the error text of a failed tool stands nowhere else. */
export const anthropicDialect: Dialect = {
  name: "anthropic",
  read({ span: { attributes } }) {
    if (!Object.keys(attributes).some((key) => key.startsWith("anthropic."))) return undefined;
    const reader = createAttributeReader(attributes);
    const content = reader.json("anthropic.tool_result.content");
    const result = content === undefined ? undefined : plainText(content);
    return {
      finishReasons: finishReasonsFrom(reader.value("anthropic.message.stop_reason")),
      ...(result === undefined ? {} : { tool: { result } }),
      errorText: typeof result === "string" ? result : undefined,
      metadata: reader.rest("anthropic."),
    };
  },
};
