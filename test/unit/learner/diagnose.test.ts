import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createDiagnosis, findingsIn } from "../../../src/learner/diagnose.ts";
import type { RawBatch, RawSpan } from "../../../src/span/raw-span.ts";
import { openLibsqlDriver } from "../../../src/store/driver-libsql.ts";
import { createSqlStore, type SqlStore } from "../../../src/store/local-store.ts";
import { migrate } from "../../../src/store/migrate.ts";
import { aRawSpan } from "../span/raw-factory.ts";
import { temporaryFolder } from "../store/temporary.ts";

const inFolder = temporaryFolder();
const clock = { nowUs: () => 1_800_000_000_000_000 };
let store: SqlStore;
let files = 0;

beforeEach(async () => {
  const driver = openLibsqlDriver({ path: inFolder(`${files++}.db`) });
  await migrate(driver, clock, "t.db");
  store = createSqlStore(driver, clock);
});
afterEach(() => store.close());

const chat = (spanId: string, more: Partial<RawSpan> = {}, words = false): RawSpan =>
  aRawSpan(
    {
      "gen_ai.operation.name": "chat",
      ...(words ? { "gen_ai.output.messages": '[{"role":"assistant","parts":[{"type":"text","content":"12"}]}]' } : {}),
    },
    { spanId: spanId.repeat(16), scope: { name: `lib-${spanId}` }, ...more },
  );
const batch = (...spans: RawSpan[]): RawBatch => ({ spans, logs: [] });
const traceId = (digit: string): string => digit.repeat(32);

describe("the diagnosis of a store", () => {
  test("sees a trace that is not assembled yet", async () => {
    await store.saveMapped([], batch(chat("a")), 1);
    const { traces, spans, scopes } = await createDiagnosis({ store })();
    expect([traces, spans, scopes.map(({ scope, llmCalls, withContent }) => [scope, llmCalls, withContent])]).toEqual([
      1,
      1,
      [["lib-a", 1, 0]],
    ]);
  });

  test("reads again only what changed", async () => {
    const read: string[] = [];
    const spying = {
      recentTraces: store.recentTraces,
      spansOf: (id: string) => {
        read.push(id[0] ?? "");
        return store.spansOf(id);
      },
    };
    const diagnose = createDiagnosis({ store: spying, nowMs: () => 0 });
    await store.saveMapped([], batch(chat("a", { traceId: traceId("1") }), chat("b", { traceId: traceId("2") })), 1);
    await diagnose();
    await store.saveMapped([], batch(chat("c", { traceId: traceId("2") }, true)), 2);
    const { scopes } = await diagnose();
    expect(read).toEqual(["2", "1", "2"]);
    expect(scopes.map(({ scope, withContent }) => [scope, withContent])).toEqual([
      ["lib-a", 0],
      ["lib-b", 0],
      ["lib-c", 1],
    ]);
  });

  test("stops at its bounds, the newest first", async () => {
    for (const digit of ["1", "2", "3"]) await store.saveMapped([], batch(chat("a", { traceId: traceId(digit) })), 1);
    expect((await createDiagnosis({ store, maxTraces: 2 })()).traces).toBe(2);
    expect((await createDiagnosis({ store, maxSpans: 1 })()).traces).toBe(1);
  });

  test("sums what processors said they dropped", async () => {
    const dropped = (digit: string, count: number) => aRawSpan({ "agentlearn.processor.dropped": count }, { traceId: traceId(digit) });
    await store.saveMapped([], batch(dropped("1", 3), dropped("2", 4)), 1);
    expect((await createDiagnosis({ store })()).dropped).toBe(7);
  });
});

describe("one trace", () => {
  test("a framework's chat span without content around a client's with it is told", () => {
    const { scopes } = findingsIn(batch(chat("a"), chat("b", { parentSpanId: "a".repeat(16) }, true)));
    expect(scopes.map(({ scope, withContent }) => [scope, withContent])).toEqual([
      ["lib-a", 1],
      ["lib-b", 1],
    ]);
  });

  test("a chat span below a tool is a call of its own", () => {
    const tool = aRawSpan({ "gen_ai.operation.name": "execute_tool" }, { spanId: "f".repeat(16), parentSpanId: "a".repeat(16) });
    const { scopes } = findingsIn(batch(chat("a"), tool, chat("b", { parentSpanId: "f".repeat(16) }, true)));
    expect(scopes.map(({ scope, withContent }) => [scope, withContent])).toEqual([
      ["lib-a", 0],
      ["lib-b", 1],
    ]);
  });

  test("counts tool spans completed from messages, and errors read out of results", () => {
    const asked = '[{"role":"assistant","parts":[{"type":"tool_call","id":"c1","name":"f","arguments":{"city":"Paris"}}]}]';
    const answered = '[{"role":"tool","parts":[{"type":"tool_call_response","id":"c1","response":"Error: unknown city"}]}]';
    const first = aRawSpan(
      { "gen_ai.operation.name": "chat", "gen_ai.output.messages": asked },
      { spanId: "a".repeat(16), parentSpanId: "e".repeat(16) },
    );
    const tool = aRawSpan(
      { "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "f", "gen_ai.tool.call.id": "c1" },
      { spanId: "b".repeat(16), parentSpanId: "e".repeat(16), startTimeUs: 2_000_000, endTimeUs: 2_100_000 },
    );
    const second = aRawSpan(
      { "gen_ai.operation.name": "chat", "gen_ai.input.messages": answered },
      { spanId: "c".repeat(16), parentSpanId: "e".repeat(16), startTimeUs: 3_000_000, endTimeUs: 4_000_000 },
    );
    const agent = aRawSpan({ "gen_ai.operation.name": "invoke_agent" }, { spanId: "e".repeat(16), endTimeUs: 5_000_000 });
    expect(findingsIn(batch(agent, first, tool, second)).inferred).toEqual({ steps: 0, errors: 1, backfilled: 1 });
    expect(findingsIn(batch(agent, first, second)).inferred).toEqual({ steps: 1, errors: 0, backfilled: 0 });
  });
});
