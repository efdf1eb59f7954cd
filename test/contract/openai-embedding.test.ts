import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { createOpenAiModel, type OpenAiModelOptions } from "../../src/embedding/openai-model.ts";

interface Asked {
  readonly model: string;
  readonly input: readonly string[];
  readonly dimensions?: number;
  readonly encoding_format?: string;
}
type Answer = (asked: Asked, response: ServerResponse, call: number) => void;

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

/** An embeddings endpoint on loopback, and a model of the real client that calls it. */
async function start(answer: Answer, options: Partial<OpenAiModelOptions> = {}) {
  const asked: Asked[] = [];
  const paths: string[] = [];
  server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = JSON.parse(Buffer.concat(chunks).toString("utf8")) as Asked;
      asked.push(body);
      paths.push(request.url ?? "");
      answer(body, response, asked.length);
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  return { model: createOpenAiModel({ model: "local-embed", dimensions: 2, baseUrl, retryDelayMs: 1, ...options }), asked, paths };
}

const send = (response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void => {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
};
const vectors = (input: readonly string[], of: (text: string) => readonly number[]) => ({
  object: "list",
  data: input.map((text, index) => ({ object: "embedding", index, embedding: of(text) })),
});
const byLength: Answer = ({ input }, response) =>
  send(
    response,
    200,
    vectors(input, (text) => [text.length, 0]),
  );

describe("a model behind /embeddings", () => {
  test("asks in batches and keeps the order of the texts", async () => {
    const { model, asked, paths } = await start(
      ({ input }, response) =>
        send(
          response,
          200,
          vectors(input, (text) => [Number(text), 1]),
        ),
      {
        batchTexts: 2,
      },
    );
    const got = await model.embed(["1", "2", "3", "4", "5"]);
    expect(asked.map(({ input }) => input)).toEqual([["1", "2"], ["3", "4"], ["5"]]);
    expect(paths[0]).toBe("/v1/embeddings");
    expect(asked[0]).toMatchObject({ model: "local-embed", encoding_format: "float" });
    expect(got.map(([first = 0, second = 0]) => Math.round(first / second))).toEqual([1, 2, 3, 4, 5]);
  });

  test("brings the vectors to unit length", async () => {
    const { model } = await start(({ input }, response) =>
      send(
        response,
        200,
        vectors(input, () => [30, 40]),
      ),
    );
    expect(await model.embed(["a"])).toEqual([Float32Array.of(0.6, 0.8)]);
  });

  test("goes by the index of each vector, not by where it stands", async () => {
    const { model } = await start(({ input }, response) => {
      const answer = vectors(input, (text) => (text === "a" ? [1, 0] : [0, 1]));
      send(response, 200, { ...answer, data: answer.data.toReversed() });
    });
    expect(await model.embed(["a", "b"])).toEqual([Float32Array.of(1, 0), Float32Array.of(0, 1)]);
  });

  test("sends no blank text and cuts a very long one", async () => {
    const { model, asked } = await start(byLength);
    expect(await model.embed(["", "x".repeat(1_000_000), " "])).toEqual([
      Float32Array.of(0, 0),
      Float32Array.of(1, 0),
      Float32Array.of(0, 0),
    ]);
    expect(asked.map(({ input }) => input.map((text) => text.length))).toEqual([[8_000]]);
  });

  test("sends no half characters", async () => {
    const { model, asked } = await start(byLength);
    await model.embed(["a\ud800b"]);
    expect(asked[0]?.input).toEqual(["a\ufffdb"]);
  });

  test("asks for fewer dimensions only of models that can", async () => {
    const small = await start(
      ({ input }, response) =>
        send(
          response,
          200,
          vectors(input, () => [1, 0]),
        ),
      { model: "text-embedding-3-small" },
    );
    await small.model.embed(["a"]);
    expect(small.asked[0]?.dimensions).toBe(2);
    const local = await start(byLength);
    await local.model.embed(["a"]);
    expect(local.asked[0]).not.toHaveProperty("dimensions");
  });

  test("tries again after 429 and 503, and gives what comes then", async () => {
    const { model, asked } = await start((body, response, call) =>
      call < 3
        ? send(response, call === 1 ? 429 : 503, { error: { message: "busy" } }, { "retry-after": "0" })
        : byLength(body, response, call),
    );
    expect(await model.embed(["a"])).toEqual([Float32Array.of(1, 0)]);
    expect(asked).toHaveLength(3);
  });

  test("gives up after its tries with unavailable", async () => {
    const { model, asked } = await start((_, response) => send(response, 500, { error: { message: "boom" } }), { maxRetries: 1 });
    await expect(model.embed(["a"])).rejects.toMatchObject({ code: "unavailable", retryable: true });
    expect(asked).toHaveLength(2);
  });

  test("does not try again what cannot work, and does not print the key", async () => {
    const { model, asked } = await start((_, response) => send(response, 401, { error: { message: "bad key sk-secret" } }), {
      apiKey: "sk-secret",
    });
    const error = await model.embed(["a"]).catch((caught: Error) => caught);
    expect(error).toMatchObject({ code: "invalid", hint: "check OPENAI_API_KEY" });
    expect((error as Error).message).not.toContain("sk-secret");
    expect(asked).toHaveLength(1);
  });

  test("times out on a body that never comes", async () => {
    const { model } = await start((_, response) => void response.writeHead(200, { "content-type": "application/json" }).write("{"), {
      timeoutMs: 150,
      maxRetries: 0,
    });
    await expect(model.embed(["a"])).rejects.toMatchObject({ code: "timeout" });
  });

  test("is cancelled during a call and during a pause", async () => {
    const during = new AbortController();
    const silent = await start(() => during.abort());
    await expect(silent.model.embed(["a"], during.signal)).rejects.toMatchObject({ code: "cancelled" });
    const pause = new AbortController();
    const busy = await start((_, response) => {
      send(response, 429, { error: { message: "busy" } }, { "retry-after": "9" });
      setTimeout(() => pause.abort(), 50);
    });
    await expect(busy.model.embed(["a"], pause.signal)).rejects.toMatchObject({ code: "cancelled" });
  });

  const wrong: readonly (readonly [string, unknown, RegExp])[] = [
    ["another length", { data: [{ index: 0, embedding: [1, 2, 3] }] }, /a vector of 3 numbers, not 2/],
    ["no vector", { data: [] }, /gave 0 vectors for 1 texts/],
    ["no data", { object: "list" }, /gave 0 vectors for 1 texts/],
    ["words for numbers", { data: [{ index: 0, embedding: ["a", "b"] }] }, /holds no number/],
  ];
  test.each(wrong)("rejects invalid for %s", async (_what, body, message) => {
    const { model } = await start((_, response) => send(response, 200, body));
    await expect(model.embed(["a"])).rejects.toMatchObject({ code: "invalid", message: expect.stringMatching(message) });
  });

  test("says unavailable when nobody listens", async () => {
    const model = createOpenAiModel({ model: "m", dimensions: 2, baseUrl: "http://127.0.0.1:1/v1", maxRetries: 0 });
    await expect(model.embed(["a"])).rejects.toMatchObject({ code: "unavailable" });
  });

  // Until now the call followed the redirect, and the texts went to whoever was named in it.
  test("sends no text to where the server points it", async () => {
    const { model, paths } = await start((_, response) => response.writeHead(307, { location: "/v1/elsewhere" }).end(), { maxRetries: 0 });
    await expect(model.embed(["a"])).rejects.toMatchObject({ code: "unavailable", message: expect.stringContaining("elsewhere") });
    expect(paths).toEqual(["/v1/embeddings"]);
  });

  test("reads no more than its vectors can need", async () => {
    const { model } = await start((_, response) => send(response, 200, { data: [], padding: "x".repeat(3 * 1024 * 1024) }), {
      maxRetries: 0,
    });
    await expect(model.embed(["a"])).rejects.toMatchObject({ code: "unavailable", message: expect.stringContaining("larger than") });
  });

  test("reads a whole batch of long vectors", async () => {
    const numbers = Array.from({ length: 3072 }, (_, index) => -Math.sin(index + 1) / 55);
    const { model } = await start(
      ({ input }, response) =>
        send(
          response,
          200,
          vectors(input, () => numbers),
        ),
      { dimensions: 3072 },
    );
    expect(await model.embed(Array.from({ length: 128 }, (_, index) => `text ${index}`))).toHaveLength(128);
  });

  test("cannot be made without a key or a base URL, nor with dimensions nobody knows", () => {
    expect(() => createOpenAiModel({ model: "text-embedding-3-small" })).toThrow(/neither an API key nor a base URL/);
    expect(() => createOpenAiModel({ model: "nomic", apiKey: "k" })).toThrow(/dimensions of the embedding model nomic are not known/);
    expect(createOpenAiModel({ model: "text-embedding-3-small", apiKey: "k" }).dimensions).toBe(1536);
  });
});
