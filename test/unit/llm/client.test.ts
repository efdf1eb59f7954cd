import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import type { LearnError } from "../../../src/base/error.ts";
import { createLlm, isBadOutput, type Llm, type LlmOptions } from "../../../src/llm/client.ts";
import { type OpenAiMode, type OpenAiServer, openOpenAiServer } from "../openai-server.ts";

let server: OpenAiServer;
beforeAll(async () => {
  server = await openOpenAiServer();
});
afterAll(() => server.close());

const schema = z.object({ city: z.string(), degrees: z.number().nullable() });
const ask = (llm: Llm, signal?: AbortSignal) =>
  llm.json({ system: "be brief", user: "weather?", schema, schemaName: "weather", ...(signal === undefined ? {} : { signal }) });
const llm = (mode: OpenAiMode, overrides: Partial<LlmOptions> = {}): Llm => {
  server.setMode(mode);
  return createLlm({ model: "stub", apiKey: "sk-secret", baseUrl: server.baseUrl, timeoutMs: 5000, ...overrides });
};
const good = { kind: "answer", content: '{"city":"Paris","degrees":21}' } as const;
const rejection = (promise: Promise<unknown>): Promise<LearnError> =>
  promise.then(
    () => expect.unreachable("the call succeeded"),
    (error: unknown) => error as LearnError,
  );

describe("a good answer", () => {
  test("is the parsed value with the tokens it cost", async () => {
    expect(await ask(llm(good))).toEqual({ value: { city: "Paris", degrees: 21 }, usage: { inputTokens: 11, outputTokens: 7 } });
  });

  test("was asked for without the secrets and addresses that stood in the prompt", async () => {
    const user = `Mail ann.lee@example.org with sk-proj-${"aB3".repeat(12)}`;
    await llm(good).json({ system: "token=a1b2c3d4e5", user, schema, schemaName: "weather" });
    expect(server.requests.at(-1)?.body).toMatchObject({
      messages: [{ content: "token=[redacted: secret]" }, { content: "Mail [redacted: e-mail] with [redacted: API key]" }],
    });
  });

  test("was asked for with a strict schema", async () => {
    await ask(llm(good));
    expect(server.requests.at(-1)?.body).toMatchObject({
      model: "stub",
      messages: [
        { role: "system", content: "be brief" },
        { role: "user", content: "weather?" },
      ],
      response_format: {
        type: "json_schema",
        json_schema: {
          name: "weather",
          strict: true,
          schema: { type: "object", additionalProperties: false, required: ["city", "degrees"] },
        },
      },
    });
  });

  test("needs no key where a base URL is given", async () => {
    server.setMode(good);
    await ask(createLlm({ model: "stub", baseUrl: server.baseUrl }));
    expect(server.requests.at(-1)?.headers.authorization).toBe("Bearer none");
  });

  test("is fetched inside the suppression", async () => {
    let inside = false;
    await ask(
      llm(good, {
        suppress: (fn) => {
          inside = true;
          return fn();
        },
      }),
    );
    expect(inside).toBe(true);
  });
});

describe("a bad answer is refused, never repaired", () => {
  test.each<[string, OpenAiMode, string]>([
    ["text around the JSON", { kind: "answer", content: 'Sure! {"city":"Paris","degrees":21}' }, "is not JSON"],
    ["nothing", { kind: "answer", content: "" }, "is not JSON"],
    ["a wrong type", { kind: "answer", content: '{"city":"Paris","degrees":"warm"}' }, "degrees"],
    ["a missing field", { kind: "answer", content: '{"city":"Paris"}' }, "does not fit the schema"],
    ["a refusal", { kind: "refusal", text: "I cannot" }, "refused: I cannot"],
    ["an answer that was cut off", { kind: "answer", content: good.content, finishReason: "length" }, "cut off"],
    ["no choice", { kind: "empty" }, "without a message"],
  ])("%s", async (_, mode, message) => {
    const error = await rejection(ask(llm(mode)));
    expect([error.code, isBadOutput(error)]).toEqual(["invalid", true]);
    expect(error.message).toContain(message);
  });
});

describe("a failed call", () => {
  test.each<[OpenAiMode, string, boolean]>([
    [{ kind: "status", status: 429 }, "unavailable", true],
    [{ kind: "status", status: 500 }, "unavailable", true],
    [{ kind: "status", status: 503 }, "unavailable", true],
    [{ kind: "garbage" }, "unavailable", true],
    [{ kind: "status", status: 400 }, "invalid", false],
    [{ kind: "status", status: 401 }, "invalid", false],
    [{ kind: "status", status: 404 }, "invalid", false],
  ])("%j is %s", async (mode, code, retryable) => {
    const before = server.requests.length;
    const error = await rejection(ask(llm(mode)));
    expect([error.code, error.retryable, isBadOutput(error)]).toEqual([code, retryable, false]);
    expect(server.requests.length - before).toBe(1);
  });

  test.each<OpenAiMode>([{ kind: "hang" }, { kind: "hang-in-body" }])("that hangs (%j) ends at the deadline", async (mode) => {
    expect((await rejection(ask(llm(mode, { timeoutMs: 150 })))).code).toBe("timeout");
  });

  test("that hangs ends at the deadline also when it could be aborted", async () => {
    const never = new AbortController().signal;
    expect((await rejection(ask(llm({ kind: "hang-in-body" }, { timeoutMs: 150 }), never))).code).toBe("timeout");
  });

  test("to a port where nobody listens is unavailable", async () => {
    expect((await rejection(ask(llm(good, { baseUrl: "http://127.0.0.1:1/v1" })))).code).toBe("unavailable");
  });

  test("that is aborted is cancelled", async () => {
    expect((await rejection(ask(llm({ kind: "hang" }), AbortSignal.timeout(50)))).code).toBe("cancelled");
  });

  test("does not repeat the key", async () => {
    const error = await rejection(ask(llm({ kind: "status", status: 401, message: "bad key sk-secret" })));
    expect(error.message).not.toContain("sk-secret");
    expect(error.hint).toContain("OPENAI_API_KEY");
  });
});

describe("a client", () => {
  test("without key and base URL is refused with what to set", () => {
    expect(() => createLlm({ model: "stub", apiKey: " " })).toThrow(
      expect.objectContaining({ code: "invalid", hint: expect.stringContaining("OPENAI_API_KEY") }),
    );
  });

  test("does not read the environment", async () => {
    process.env["OPENAI_API_KEY"] = "sk-from-environment";
    try {
      server.setMode(good);
      await ask(createLlm({ model: "stub", baseUrl: server.baseUrl }));
      expect(server.requests.at(-1)?.headers.authorization).toBe("Bearer none");
    } finally {
      delete process.env["OPENAI_API_KEY"];
    }
  });
});
