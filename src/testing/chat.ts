/** A tool call inside a conversation; `arguments` is the JSON text as a model wrote it. */
export interface ChatToolCall {
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
}

export interface ChatMessage {
  /** system, developer, user, assistant or tool. */
  readonly role: string;
  /** "" when there is none; text parts are joined by line breaks. */
  readonly content: string;
  readonly toolCalls: readonly ChatToolCall[];
  readonly toolCallId?: string;
}

export interface ChatTool {
  readonly name: string;
  readonly description: string;
  /** Names of the parameters that take text. */
  readonly textParameters: readonly string[];
}

/** A chat completion request, reduced to what a brain may react to. */
export interface ChatRequest {
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  /** Empty when there is no tool or the caller forbids calling one. */
  readonly tools: readonly ChatTool[];
  readonly stream: boolean;
  readonly includeUsage: boolean;
}

export type ChatReply =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "tool-call"; readonly name: string; readonly arguments: { readonly [name: string]: string } };

/** A language model as a pure function of the request. */
export type Brain = (request: ChatRequest) => ChatReply;

export interface ChatProblem {
  readonly problem: string;
  readonly param: string | null;
}

/** Reads a parsed body. Says what is wrong instead of guessing. */
export function readChatRequest(body: unknown): ChatRequest | ChatProblem {
  if (!isRecord(body)) return problem("the body must be a JSON object", null);
  if (typeof body["model"] !== "string" || body["model"] === "") return problem("you must provide a model parameter", "model");
  if (!Array.isArray(body["messages"]) || body["messages"].length === 0) return problem("messages must be a non-empty array", "messages");
  const messages: ChatMessage[] = [];
  for (const [index, value] of body["messages"].entries()) {
    const message = readMessage(value);
    if (message === undefined) return problem(`messages[${index}] must have a role and a content`, `messages[${index}]`);
    messages.push(message);
  }
  const streamOptions = isRecord(body["stream_options"]) ? body["stream_options"] : {};
  return {
    model: body["model"],
    messages,
    tools: body["tool_choice"] === "none" ? [] : readTools(body["tools"]),
    stream: body["stream"] === true,
    includeUsage: streamOptions["include_usage"] === true,
  };
}

function readMessage(value: unknown): ChatMessage | undefined {
  if (!isRecord(value) || typeof value["role"] !== "string") return undefined;
  const toolCalls = Array.isArray(value["tool_calls"]) ? value["tool_calls"].flatMap(readToolCall) : [];
  const content = readContent(value["content"]);
  if (content === undefined && toolCalls.length === 0) return undefined;
  const message = { role: value["role"], content: content ?? "", toolCalls };
  return typeof value["tool_call_id"] === "string" ? { ...message, toolCallId: value["tool_call_id"] } : message;
}

function readContent(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (!Array.isArray(value)) return undefined;
  return value.flatMap((part) => (isRecord(part) && typeof part["text"] === "string" ? [part["text"]] : [])).join("\n");
}

function readToolCall(value: unknown): ChatToolCall[] {
  if (!isRecord(value) || !isRecord(value["function"])) return [];
  const { name, arguments: text } = value["function"];
  return [{ id: String(value["id"] ?? ""), name: String(name ?? ""), arguments: String(text ?? "") }];
}

function readTools(value: unknown): ChatTool[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((tool) => {
    const spec = isRecord(tool) && isRecord(tool["function"]) ? tool["function"] : undefined;
    if (spec === undefined || typeof spec["name"] !== "string") return [];
    const parameters = isRecord(spec["parameters"]) ? spec["parameters"] : {};
    const properties = isRecord(parameters["properties"]) ? parameters["properties"] : {};
    const textParameters = Object.keys(properties).filter((name) => {
      const property = properties[name];
      return isRecord(property) && property["type"] === "string";
    });
    return [{ name: spec["name"], description: String(spec["description"] ?? ""), textParameters }];
  });
}

function problem(text: string, param: string | null): ChatProblem {
  return { problem: text, param };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
