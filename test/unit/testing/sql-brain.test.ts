import { describe, expect, test } from "vitest";
import type { ChatMessage, ChatReply, ChatRequest } from "../../../src/testing/chat.ts";
import { sqlBrain } from "../../../src/testing/sql-brain.ts";

const TOOL = { name: "run_sql", description: "", textParameters: ["query"] };

function ask(task: string, results: readonly string[], options: { knowledge?: string; tools?: readonly (typeof TOOL)[] } = {}): ChatReply {
  const messages: ChatMessage[] = [
    { role: "system", content: options.knowledge ?? "", toolCalls: [] },
    { role: "user", content: task, toolCalls: [] },
  ];
  const request = (): ChatRequest => ({ model: "m", messages, tools: options.tools ?? [TOOL], stream: false, includeUsage: false });
  for (const [index, result] of results.entries()) {
    const reply = sqlBrain(request());
    if (reply.type === "text") return reply;
    messages.push({
      role: "assistant",
      content: "",
      toolCalls: [{ id: `c${index}`, name: reply.name, arguments: JSON.stringify(reply.arguments) }],
    });
    messages.push({ role: "tool", content: result, toolCalls: [], toolCallId: `c${index}` });
  }
  return sqlBrain(request());
}

const sqlOf = (reply: ChatReply): string => (reply.type === "tool-call" ? (reply.arguments["query"] ?? "") : `said: ${reply.text}`);
const WHO = "Who won at Bahia in 2019?";
const NO_ROWS = "ERROR: query returned no rows";

describe("sqlBrain", () => {
  test("writes the three naive mistakes at first", () => {
    expect(sqlOf(ask(WHO, []))).toBe(
      "SELECT DISTINCT driver FROM results WHERE position = 1 AND circuit = 'Bahia' AND strftime('%Y', race_date) = '2019'",
    );
  });

  test("mends one mistake per error: the column, then the position, then the date", () => {
    const column = "ERROR: no such column: driver";
    expect(sqlOf(ask(WHO, [column]))).toBe(
      "SELECT DISTINCT driver_name FROM results WHERE position = 1 AND circuit = 'Bahia' AND strftime('%Y', race_date) = '2019'",
    );
    expect(sqlOf(ask(WHO, [column, NO_ROWS]))).toBe(
      "SELECT DISTINCT driver_name FROM results WHERE position = '1' AND circuit = 'Bahia' AND strftime('%Y', race_date) = '2019'",
    );
    expect(sqlOf(ask(WHO, [column, NO_ROWS, NO_ROWS]))).toBe(
      "SELECT DISTINCT driver_name FROM results WHERE position = '1' AND circuit = 'Bahia' AND substr(race_date, 8, 4) = '2019'",
    );
  });

  test("gives up when nothing is left to change", () => {
    expect(sqlOf(ask(WHO, [NO_ROWS, NO_ROWS, NO_ROWS]))).toBe("said: I could not find an answer.");
    expect(sqlOf(ask(WHO, ["ERROR: database is locked"]))).toBe("said: I could not find an answer.");
  });

  test("answers when it may not call a tool", () => {
    expect(sqlOf(ask(WHO, [NO_ROWS], { tools: [] }))).toBe("said: I could not find an answer.");
  });

  test("believes a zero where nothing may be the truth", () => {
    expect(sqlOf(ask("How many wins does Mara Lindqvist have at Bahia?", ['[{"COUNT(*)":0}]']))).toBe("said: The answer is 0.");
    expect(sqlOf(ask("How many points did Mara Lindqvist score in 2019?", ['[{"SUM(points)":null}]']))).toBe("said: The answer is 0.");
    expect(sqlOf(ask("Did Mara Lindqvist ever win at Bahia?", ['[{"COUNT(*)":0}]']))).toBe("said: No.");
  });

  test("does not doubt the query of a count that has no rows", () => {
    expect(sqlOf(ask("How many wins does Mara Lindqvist have at Bahia?", [NO_ROWS]))).toMatch(/^said: /);
  });

  test("does not doubt what a rule has ordered", () => {
    const knowledge = "Positions are integers: never put quotes around them.";
    expect(sqlOf(ask(WHO, [NO_ROWS], { knowledge }))).toContain("position = 1 AND circuit = 'Bahia' AND substr(race_date, 8, 4)");
  });

  test("finds the right column after a rule that names a wrong one", () => {
    const knowledge = "the column is pilot, not driver";
    expect(sqlOf(ask(WHO, ["ERROR: no such column: pilot", "ERROR: no such column: driver"], { knowledge }))).toContain(
      "DISTINCT driver_name",
    );
  });

  test("writes a quote in a name as SQL wants it", () => {
    expect(sqlOf(ask("How many wins does Una O'Shea have at Bahia?", []))).toContain("driver = 'Una O''Shea'");
  });

  test("reads only the last question of a conversation and the calls after it", () => {
    const messages: ChatMessage[] = [
      { role: "user", content: "How many races were held at Bahia?", toolCalls: [] },
      { role: "assistant", content: "The answer is 8.", toolCalls: [] },
      { role: "user", content: "How many races were held at Drammen?", toolCalls: [] },
    ];
    expect(sqlOf(sqlBrain({ model: "m", messages, tools: [TOOL], stream: false, includeUsage: false }))).toContain("'Drammen'");
  });

  test("says so when the question is not about results", () => {
    expect(sqlOf(ask("Tell me a joke", []))).toBe("said: I can only answer questions about race results.");
  });
});
