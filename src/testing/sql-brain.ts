import type { ChatMessage, ChatReply, ChatRequest, ChatTool } from "./chat.ts";
import { type Attempt, isFailure, learnFromError } from "./error-reading.ts";
import { joinHabits, NO_HABITS } from "./habits.ts";
import { writeQuery } from "./query-writing.ts";
import { type Question, readQuestion } from "./question-reading.ts";
import { readRules } from "./rule-reading.ts";

/**
 * A small text-to-SQL model: a pure function of the messages. Left alone it writes what such models write for an unknown table, doubts a query
 * only when an error or an impossible emptiness makes it, and corrects one mistake per attempt. It obeys every rule in the system prompt.
 */
export function sqlBrain(request: ChatRequest): ChatReply {
  const asked = request.messages.findLastIndex((message) => message.role === "user");
  const question = readQuestion(request.messages[asked]?.content ?? "");
  if (question === undefined) return { type: "text", text: "I can only answer questions about race results." };
  const attempts = readAttempts(request.messages.slice(asked + 1));
  const last = attempts.at(-1);
  if (last !== undefined && !isFailure(last.result)) return { type: "text", text: answerFrom(last.result, question) };
  const tool = request.tools.find(takesSql);
  const query = nextQuery(question, attempts, instructions(request.messages));
  // Nothing left to change: asking the same again would give the same.
  if (tool === undefined || attempts.some((attempt) => attempt.sql === query)) return { type: "text", text: "I could not find an answer." };
  return { type: "tool-call", name: tool.name, arguments: { [tool.textParameters[0] ?? "query"]: query } };
}

function nextQuery(question: Question, attempts: readonly Attempt[], prompt: string): string {
  const told = readRules(prompt);
  const insights = attempts.map((attempt) => learnFromError(attempt, question, told));
  const found = insights.map((insight) => insight.habits).reduce(joinHabits, NO_HABITS);
  return writeQuery(question, joinHabits(found, told), new Set(insights.flatMap((insight) => insight.unknownColumns)));
}

function instructions(messages: readonly ChatMessage[]): string {
  return messages
    .filter((message) => message.role === "system" || message.role === "developer")
    .map((message) => message.content)
    .join("\n\n");
}

function takesSql(tool: ChatTool): boolean {
  return tool.textParameters.length > 0 && /sql|query/i.test(`${tool.name} ${tool.description}`);
}

function readAttempts(messages: readonly ChatMessage[]): readonly Attempt[] {
  return messages
    .flatMap((message) => message.toolCalls)
    .map((call) => ({
      sql: textArgument(call.arguments),
      result: messages.find((message) => message.role === "tool" && message.toolCallId === call.id)?.content ?? "ERROR: no result",
    }));
}

function textArgument(source: string): string {
  try {
    const values = Object.values(JSON.parse(source) as object);
    return String(values.find((value) => typeof value === "string") ?? "");
  } catch {
    return "";
  }
}

/** The first column of the first row. NULL is what a sum over nothing gives, and is taken for nothing. */
function answerFrom(result: string, question: Question): string {
  const value = firstValue(result) ?? 0;
  if (question.kind === "ever") return Number(value) > 0 ? "Yes." : "No.";
  return `The answer is ${String(value)}.`;
}

function firstValue(result: string): unknown {
  try {
    const rows: unknown = JSON.parse(result);
    return Array.isArray(rows) ? Object.values((rows[0] ?? {}) as object)[0] : rows;
  } catch {
    return result.trim();
  }
}
