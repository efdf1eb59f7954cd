import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import type { LearnError } from "../../../src/base/error.ts";
import { journalledRunner } from "../../../src/learner/journalled-runner.ts";
import { type LedgerOptions, withLedger } from "../../../src/learner/with-ledger.ts";
import { createLlm } from "../../../src/llm/client.ts";
import { pricesFrom } from "../../../src/llm/prices.ts";
import type { Store } from "../../../src/store/ports.ts";
import { type OpenAiServer, openOpenAiServer } from "../openai-server.ts";
import { openTestStore } from "./open-test-store.ts";

let store: Store;
let server: OpenAiServer;
beforeEach(async () => {
  store = await openTestStore({ nowUs: () => 1_790_000_000_000_000 });
  server = await openOpenAiServer();
  server.setMode({ kind: "answer", content: '{"a":1}' });
});
afterEach(async () => {
  await server.close();
  await store.close();
});

const PRICES = pricesFrom("stub=1000000/2000000");
const SCHEMA = z.object({ a: z.number() });
const ledger = (options: Partial<LedgerOptions> = {}) =>
  withLedger(createLlm({ model: "stub", baseUrl: server.baseUrl, maxOutputTokens: 100, timeoutMs: 1_000 }), {
    store,
    cycleId: "c1",
    limits: {},
    prices: PRICES,
    ...options,
  });
const ask = (llm = ledger(), user = "why", nonce = "") =>
  llm.json({ system: `between ${nonce}`, user: `${nonce} ${user}`, schema: SCHEMA, schemaName: "lessons", nonce });
const refusal = (asked: Promise<unknown>): Promise<LearnError> =>
  asked.then(
    () => Promise.reject(new Error("answered")),
    (caught) => caught,
  );
const spent = () => store.spending({ cycleId: "c1" });

describe("an answer that was paid for", () => {
  test("is given again to another process that asks the same, whatever the nonce, and nobody is called", async () => {
    await ask(ledger(), "why", "n0nce1");
    expect(await ask(ledger({ cycleId: "c2" }), "why", "n0nce2")).toEqual({ value: { a: 1 }, usage: {} });
    expect([server.requests.length, (await spent()).calls]).toEqual([1, 1]);
  });

  test("is not the second answer to the same question in one process", async () => {
    const llm = ledger();
    await ask(llm);
    await ask(llm);
    expect(server.requests).toHaveLength(2);
  });

  test("and refused is refused again, with the same words and without a call", async () => {
    server.setMode({ kind: "answer", content: "no JSON" });
    const first = await refusal(ask());
    const again = await refusal(ask());
    expect([again.message, again.code, server.requests.length]).toEqual([first.message, "invalid", 1]);
  });

  test("is not given for another model, schema or text", async () => {
    await ask();
    await ask(ledger(), "who");
    await ask(
      withLedger({ ...createLlm({ model: "other", baseUrl: server.baseUrl }) }, { store, cycleId: "c1", limits: {}, prices: PRICES }),
    );
    expect(server.requests).toHaveLength(3);
  });
});

describe("what is booked", () => {
  test("is what the server counted", async () => {
    await ask();
    expect(await spent()).toMatchObject({ calls: 1, inputTokens: 11, outputTokens: 7, usd: 25, estimated: 0 });
  });

  test("is nothing for an error the server answered, and the most for a call nobody answered", async () => {
    server.setMode({ kind: "status", status: 500 });
    await refusal(ask());
    expect(await spent()).toMatchObject({ calls: 1, inputTokens: 0, usd: 0, estimated: 0 });
    server.setMode({ kind: "hang" });
    await refusal(ask());
    expect(await spent()).toMatchObject({ calls: 2, outputTokens: 100, estimated: 1 });
  });

  test("is also what a refused answer cost", async () => {
    server.setMode({ kind: "refusal", text: "no" });
    await refusal(ask());
    expect(await spent()).toMatchObject({ calls: 1, inputTokens: 11, outputTokens: 7, estimated: 0 });
  });
});

describe("a limit", () => {
  test("stops the call that could go beyond it before it is made, and says which and what to do", async () => {
    const limits: string[] = [];
    const error = await refusal(ask(ledger({ limits: { usdPerDay: 1 }, onLimit: ({ message }) => limits.push(message) })));
    expect([error.code, error.message, error.hint, server.requests.length]).toEqual([
      "invalid",
      "daily budget of $1.00 reached: $0.00 are spent, and the next call could go beyond",
      "learn again tomorrow (UTC), or raise budgetUsdPerDay",
      0,
    ]);
    expect(limits).toEqual([error.message]);
  });

  test("in USD refuses a model whose price is not known, and one in calls does not", async () => {
    const error = await refusal(ask(ledger({ limits: { usdPerCycle: 100 }, prices: pricesFrom("other=1/2") })));
    expect([error.message.includes("price of model stub is unknown"), error.hint?.includes("modelPrices"), server.requests.length]).toEqual(
      [true, true, 0],
    );
    await ask(ledger({ limits: { callsPerCycle: 1 }, prices: pricesFrom(undefined) }));
    expect(await spent()).toMatchObject({ calls: 1, unpriced: 1 });
  });

  test("holds when many ask at once", async () => {
    const llm = ledger({ limits: { callsPerCycle: 3 } });
    const answers = await Promise.allSettled(Array.from({ length: 10 }, (_, index) => ask(llm, `question ${index}`)));
    expect([answers.filter(({ status }) => status === "fulfilled").length, server.requests.length]).toEqual([3, 3]);
  });
});

describe("runs of the agent", () => {
  test("are given again, turn by turn, to the process that goes on with the cycle, and to no other cycle", async () => {
    let runs = 0;
    const agent = (task: string) => `${task} ${++runs}`;
    const first = journalledRunner(agent, { store, cycleId: "c1" });
    expect([await first("t", ""), await first("t", ""), await first("t", "k")]).toEqual(["t 1", "t 2", "t 3"]);
    const again = journalledRunner(agent, { store, cycleId: "c1" });
    expect([await again("t", ""), await again("t", "k"), await again("t", "")]).toEqual(["t 1", "t 3", "t 2"]);
    expect([await again("t", ""), await journalledRunner(agent, { store, cycleId: "c2" })("t", "")]).toEqual(["t 4", "t 5"]);
  });

  test("that fail leave nothing", async () => {
    const failing = journalledRunner(() => Promise.reject(new Error("down")), { store, cycleId: "c1" });
    await expect(failing("t", "")).rejects.toThrow("down");
    expect(await journalledRunner(() => "up", { store, cycleId: "c1" })("t", "")).toBe("up");
  });
});
