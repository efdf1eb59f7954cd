import type OpenAI from "openai";
import { messageOf } from "../base/error.ts";
import { runSql } from "./racing-database.ts";

export interface RacingAgentOptions {
  /** The caller's client, so that an instrumented one is used. */
  readonly client: OpenAI;
  readonly model: string;
  readonly databasePath: string;
  /** After this many tool calls the model has to answer with what it has. Default 3. */
  readonly maxToolCalls?: number;
}

/** `knowledge` goes into the system prompt as it is; "" for none. Rejects with what the client rejects with. */
export type RacingAgent = (task: string, knowledge: string, signal?: AbortSignal) => Promise<string>;

// What a careless developer writes: some columns, no types, no formats.
const SYSTEM_PROMPT = `You answer questions about motor racing results.
Use the tool run_sql: a SQLite table "results" holds one row per car and race, with columns like race_date, circuit, position, laps, points.
Reply with the answer only.`;

const TOOLS: OpenAI.Chat.Completions.ChatCompletionTool[] = [
  {
    type: "function",
    function: {
      name: "run_sql",
      description: "Runs one SELECT statement on the results database and returns its rows as JSON.",
      parameters: { type: "object", properties: { query: { type: "string" } }, required: ["query"], additionalProperties: false },
    },
  },
];

/** An ordinary text-to-SQL agent loop. Nothing in here knows of tracing: that is added from outside. */
export function createRacingAgent(options: RacingAgentOptions): RacingAgent {
  const maxToolCalls = options.maxToolCalls ?? 3;
  return async (task, knowledge, signal) => {
    const messages: OpenAI.Chat.Completions.ChatCompletionMessageParam[] = [
      { role: "system", content: knowledge === "" ? SYSTEM_PROMPT : `${SYSTEM_PROMPT}\n\n${knowledge}` },
      { role: "user", content: task },
    ];
    for (let used = 0; ; ) {
      const completion = await options.client.chat.completions.create(
        { model: options.model, messages, tools: TOOLS, tool_choice: used < maxToolCalls ? "auto" : "none" },
        signal === undefined ? {} : { signal },
      );
      const message = completion.choices[0]?.message;
      const calls = message?.tool_calls ?? [];
      if (message === undefined || calls.length === 0 || used >= maxToolCalls) return message?.content ?? "";
      messages.push(message);
      for (const call of calls) {
        messages.push({ role: "tool", tool_call_id: call.id, content: runTool(options.databasePath, call) });
        used += 1;
      }
    }
  };
}

function runTool(databasePath: string, call: OpenAI.Chat.Completions.ChatCompletionMessageToolCall): string {
  if (call.type !== "function" || call.function.name !== "run_sql") return "ERROR: there is no such tool";
  try {
    const query: unknown = (JSON.parse(call.function.arguments) as { query?: unknown }).query;
    return typeof query === "string" ? runSql(databasePath, query) : "ERROR: run_sql needs a query";
  } catch (caught) {
    return `ERROR: ${messageOf(caught)}`;
  }
}
