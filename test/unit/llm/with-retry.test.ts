import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { createLlm } from "../../../src/llm/client.ts";
import { pricesFrom, usdOf } from "../../../src/llm/prices.ts";
import { withRetry } from "../../../src/llm/with-retry.ts";

const GOOD = JSON.stringify({ choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: '{"a":1}' } }] });
type Answer = { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string };
let answers: Answer[] = [];
let asked = 0;
let server: Server;
beforeAll(async () => {
  server = createServer((request, response) => {
    request.resume();
    asked += 1;
    const { status, headers = {}, body = GOOD } = answers.shift() ?? { status: 200 };
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterAll(() => void server.close());
beforeEach(() => {
  [answers, asked] = [[], 0];
});

function asking() {
  const waits: number[] = [];
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  const wait = async (ms: number) => void waits.push(ms);
  const llm = withRetry(createLlm({ model: "stub", baseUrl }), { random: () => 0, wait });
  return { waits, answer: llm.json({ system: "s", user: "u", schema: z.object({ a: z.number() }), schemaName: "x" }) };
}

describe("asking again", () => {
  test("waits a second, then two, and gives up after the third request", async () => {
    answers = [{ status: 500 }, { status: 503 }, { status: 500 }];
    const { waits, answer } = asking();
    await expect(answer).rejects.toMatchObject({ code: "unavailable" });
    expect([waits, asked]).toEqual([[1_000, 2_000], 3]);
  });

  test("waits as long as the server says, and not at all for one that says an hour", async () => {
    answers = [{ status: 429, headers: { "retry-after": "7" } }, { status: 200 }];
    const short = asking();
    expect([(await short.answer).value, short.waits]).toEqual([{ a: 1 }, [7_000]]);
    answers = [{ status: 503, headers: { "retry-after": "3600" } }];
    const long = asking();
    await expect(long.answer).rejects.toMatchObject({ code: "unavailable" });
    expect(long.waits).toEqual([]);
  });

  test.each([
    ["a wrong key", { status: 401 }],
    ["an answer that is refused here", { status: 200, body: GOOD.replace('\\"a\\":1', '\\"b\\":1') }],
  ] as const)("is of no use after %s", async (_what, bad) => {
    answers = [bad];
    await expect(asking().answer).rejects.toMatchObject({ code: "invalid" });
    expect(asked).toBe(1);
  });
});

describe("a server that is none", () => {
  test.each([
    ["sends us elsewhere", { status: 307, headers: { location: "http://127.0.0.1:9/v1/chat/completions" } }, "elsewhere"],
    ["answers with a page", { status: 200, headers: { "content-type": "text/html" }, body: "<html>" }, "chat protocol"],
    ["never stops", { status: 200, body: " ".repeat(5 * 1024 * 1024) + GOOD }, "larger than"],
  ] as const)("that %s is unavailable, and says nothing about the run", async (_what, bad, words) => {
    answers = [bad, bad, bad];
    await expect(asking().answer).rejects.toMatchObject({ code: "unavailable", message: expect.stringContaining(words) });
  });
});

test("a price is read per model, and a model without one has none", () => {
  const prices = pricesFrom("gpt-4o-mini = 0.15/0.60, vendor/model=v2=1/2");
  expect([
    usdOf(prices.get("gpt-4o-mini"), 1_000_000, 1_000_000),
    usdOf(prices.get("vendor/model=v2"), 1_000_000, 0),
    usdOf(prices.get("gpt"), 1, 1),
  ]).toEqual([0.75, 1, undefined]);
});
