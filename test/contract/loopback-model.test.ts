import OpenAI, { APIError } from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type LoopbackModel, startLoopbackModel } from "../../src/testing/loopback-model.ts";

const TOOLS: OpenAI.Chat.Completions.ChatCompletionTool[] = [
  { type: "function", function: { name: "run_sql", parameters: { type: "object", properties: { query: { type: "string" } } } } },
];
const QUESTION: OpenAI.Chat.Completions.ChatCompletionMessageParam[] = [{ role: "user", content: "How many races were held at Bahia?" }];

let model: LoopbackModel;
let client: OpenAI;

beforeAll(async () => {
  model = await startLoopbackModel();
  client = new OpenAI({ baseURL: model.url, apiKey: "none", maxRetries: 0 });
});
afterAll(() => model.close());

describe("loopback model", () => {
  test("calls a tool in the shape that the official client reads", async () => {
    const { choices, usage } = await client.chat.completions.create({ model: "m", messages: QUESTION, tools: TOOLS });
    expect(choices[0]?.finish_reason).toBe("tool_calls");
    expect(choices[0]?.message.tool_calls?.[0]).toMatchObject({
      type: "function",
      function: { name: "run_sql", arguments: `{"query":"SELECT COUNT(DISTINCT race_date) FROM results WHERE circuit = 'Bahia'"}` },
    });
    expect(usage?.total_tokens).toBe((usage?.prompt_tokens ?? 0) + (usage?.completion_tokens ?? 0));
    expect(usage?.prompt_tokens).toBeGreaterThan(0);
  });

  test("gives the same body for the same body, apart from the clock", async () => {
    const [first, second] = await Promise.all(
      [0, 1].map(() => client.chat.completions.create({ model: "m", messages: QUESTION, tools: TOOLS })),
    );
    expect({ ...first, created: 0 }).toEqual({ ...second, created: 0 });
  });

  test("streams what it says at once otherwise, tool calls included", async () => {
    for (const tools of [TOOLS, undefined]) {
      const body = { model: "m", messages: QUESTION, ...(tools === undefined ? {} : { tools }) };
      const whole = await client.chat.completions.create(body);
      const streamed = await client.chat.completions.stream(body).finalChatCompletion();
      expect(streamed.id).toBe(whole.id);
      expect(streamed.choices[0]?.finish_reason).toBe(whole.choices[0]?.finish_reason);
      expect(streamed.choices[0]?.message.content ?? null).toBe(whole.choices[0]?.message.content ?? null);
      expect(streamed.choices[0]?.message.tool_calls?.[0]).toMatchObject(whole.choices[0]?.message.tool_calls?.[0] ?? {});
    }
  });

  test("reports usage in a stream only when asked", async () => {
    const usages: unknown[] = [];
    for (const stream_options of [{ include_usage: true }, { include_usage: false }]) {
      for await (const chunk of await client.chat.completions.create({ model: "m", messages: QUESTION, stream: true, stream_options })) {
        if (chunk.usage) usages.push(chunk.choices.length);
      }
    }
    expect(usages).toEqual([0]);
  });

  test.each([
    ["no messages", { model: "m", messages: [] }],
    ["no model", { messages: QUESTION }],
    ["a message without a role", { model: "m", messages: [{ content: "x" }] }],
  ])("refuses %s with an error body of the API", async (_what, body) => {
    const refused = await client.chat.completions.create(body as never).catch((caught: unknown) => caught);
    expect(refused).toBeInstanceOf(APIError);
    expect(refused).toMatchObject({ status: 400, type: "invalid_request_error" });
  });

  test("refuses what is not JSON, what is too large and what it does not serve", async () => {
    const post = (path: string, body: string): Promise<Response> => fetch(`${model.url}${path}`, { method: "POST", body });
    expect((await post("/chat/completions", "{")).status).toBe(400);
    expect((await post("/chat/completions", "x".repeat(5 * 1024 * 1024))).status).toBe(413);
    expect((await post("/embeddings", "{}")).status).toBe(404);
  });

  test("lists its model", async () => {
    expect((await client.models.list()).data.map((entry) => entry.id)).toEqual(["loopback-sql"]);
  });

  test("counts requests, answers with a brain of the caller and closes twice", async () => {
    const own = await startLoopbackModel({ brain: (request) => ({ type: "text", text: `${request.messages.length} messages` }) });
    const completion = await new OpenAI({ baseURL: own.url, apiKey: "none" }).chat.completions.create({ model: "m", messages: QUESTION });
    expect(completion.choices[0]?.message.content).toBe("1 messages");
    expect(own.requests()).toBe(1);
    await own.close();
    await own.close();
  });

  test("says that a port is taken", async () => {
    const port = Number(new URL(model.url).port);
    await expect(startLoopbackModel({ port })).rejects.toMatchObject({ code: "unavailable" });
  });
});
