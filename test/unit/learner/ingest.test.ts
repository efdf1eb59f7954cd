import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LearnError } from "../../../src/base/error.ts";
import { createIngest } from "../../../src/learner/ingest.ts";
import { openLibsqlDriver } from "../../../src/store/driver-libsql.ts";
import { createSqlStore } from "../../../src/store/local-store.ts";
import { migrate } from "../../../src/store/migrate.ts";
import type { RawBody } from "../../../src/store/ports.ts";

const START_US = 1_800_000_000_000_000;
let nowUs = START_US;
const clock = { nowUs: () => nowUs };
let folder: string;
let store: ReturnType<typeof createSqlStore>;

beforeEach(async () => {
  nowUs = START_US;
  folder = mkdtempSync(join(tmpdir(), "agentlearn-ingest-"));
  const driver = openLibsqlDriver({ path: join(folder, "t.db") });
  await migrate(driver, clock, "t.db");
  store = createSqlStore(driver, clock);
});

afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

const wait = (seconds: number): void => {
  nowUs += seconds * 1_000_000;
};

function bodyOf(signal: RawBody["signal"], content: object): RawBody {
  return {
    format: "otlp-json",
    signal,
    encoding: "identity",
    body: Buffer.from(JSON.stringify(content)),
    receivedAtUs: nowUs,
    traceIds: [],
  };
}

function fixture(name: string): { readonly traces: RawBody; readonly logs: RawBody } {
  const { resourceSpans, resourceLogs } = JSON.parse(readFileSync(`test/fixtures/spans/${name}.json`, "utf8")) as Record<string, unknown>;
  return { traces: bodyOf("traces", { resourceSpans }), logs: bodyOf("logs", { resourceLogs: resourceLogs ?? [] }) };
}

const T = "ab".repeat(16);
function aSpan(spanId: string, parentSpanId: string, operation: string, more: Record<string, string> = {}, traceId = T): RawBody {
  const attributes = Object.entries({ "gen_ai.operation.name": operation, ...more }).map(([key, value]) => ({
    key,
    value: { stringValue: value },
  }));
  const span = {
    traceId,
    spanId,
    parentSpanId,
    name: operation,
    kind: 1,
    startTimeUnixNano: "1800000000000000000",
    endTimeUnixNano: "1800000001000000000",
    attributes,
    status: {},
  };
  return bodyOf("traces", { resourceSpans: [{ scopeSpans: [{ scope: { name: "t" }, spans: [span] }] }] });
}

describe("ingest", () => {
  test("the official OpenAI instrumentation's logs may come before its spans", async () => {
    const { traces, logs } = fixture("otel-instrumentation-openai");
    const ingest = createIngest({ store, clock });
    await store.appendBodies([logs]);
    await ingest.step();
    await store.appendBodies([traces]);
    await ingest.drain(true);
    const runs = await store.listTraces({ limit: 50 });
    const weather = runs.find(({ task }) => task.includes("Atlantis or Paris"));
    const run = await store.getTrace(weather?.id ?? "");
    expect(run.output).toContain("sunny in Paris");
    expect(
      run.steps.filter(({ kind }) => kind === "tool").map(({ name, error, inferred }) => [name, error !== undefined, inferred]),
    ).toEqual([
      ["get_weather", true, true],
      ["get_weather", false, true],
    ]);
  });

  test("an ended root is complete after the quiet period and not before", async () => {
    const ingest = createIngest({ store, clock, quietMs: 10_000 });
    await store.appendBodies([aSpan("00000000000000a1", "", "invoke_agent")]);
    await ingest.step();
    wait(9);
    await ingest.step();
    const before = await store.listTraces({});
    wait(2);
    await ingest.step();
    expect([before.length, (await store.listTraces({})).map(({ completeness }) => completeness)]).toEqual([0, ["root-ended"]]);
  });

  test("orphans are complete after the idle period, and kept", async () => {
    const ingest = createIngest({ store, clock, quietMs: 10_000, idleMs: 60_000 });
    await store.appendBodies([aSpan("00000000000000b2", "00000000000000b1", "chat")]);
    await ingest.step();
    wait(30);
    await ingest.step();
    const before = await store.listTraces({});
    wait(31);
    await ingest.step();
    expect([before.length, (await store.listTraces({})).map(({ completeness }) => completeness)]).toEqual([0, ["idle"]]);
  });

  test("a late span joins its trace without a second run or a second reading", async () => {
    const ingest = createIngest({ store, clock });
    await store.appendBodies([aSpan("00000000000000a1", "", "invoke_agent", { "gen_ai.agent.name": "a" })]);
    await ingest.drain(true);
    const [first] = await store.listTraces({});
    await store.markAnalyzed([first?.id ?? ""]);
    wait(3_600);
    await store.appendBodies([aSpan("00000000000000a2", "00000000000000a1", "execute_tool", { "gen_ai.tool.name": "late" })]);
    await ingest.drain(true);
    const run = await store.getTrace(first?.id ?? "");
    expect([run.steps.map(({ name }) => name), (await store.listTraces({})).length, (await store.unanalyzed(10)).length]).toEqual([
      ["late"],
      1,
      0,
    ]);
  });

  // Feedback from "support team" was stored, and then every drain of the store failed at its run: no trace behind it was ever assembled again.
  test("feedback that can't be read does not stop the traces behind it", async () => {
    const ingest = createIngest({
      store: {
        ...store,
        materialOf: async (traceIds) => {
          const feedback = [{ traceId: T, score: 0, source: "support team", createdAtUs: 1 }];
          return (await store.materialOf(traceIds)).map((material) => ({ ...material, feedback }));
        },
      },
      clock,
    });
    await store.appendBodies([aSpan("00000000000000a1", "", "invoke_agent", { "gen_ai.agent.name": "a" })]);
    await ingest.drain(true);
    expect((await store.listTraces({})).length).toBe(1);
  });

  test("a drain without force leaves an incomplete trace waiting", async () => {
    const ingest = createIngest({ store, clock });
    await store.appendBodies([aSpan("00000000000000a1", "", "invoke_agent")]);
    const gentle = await ingest.drain(false);
    const forced = await ingest.drain(true);
    expect([gentle, forced]).toEqual([
      { mapped: 1, assembled: 0 },
      { mapped: 0, assembled: 1 },
    ]);
  });

  test("log records that are not GenAI are not kept", async () => {
    const ingest = createIngest({ store, clock });
    const record = {
      timeUnixNano: "1800000000000000000",
      traceId: T,
      spanId: "00000000000000a1",
      body: { stringValue: "GET / 200" },
      attributes: [],
    };
    await store.appendBodies([
      aSpan("00000000000000a1", "", "invoke_agent"),
      bodyOf("logs", { resourceLogs: [{ scopeLogs: [{ logRecords: [record] }] }] }),
    ]);
    await ingest.drain(true);
    expect((await store.spansOf(T)).logs).toEqual([]);
  });

  test("the same body twice changes nothing", async () => {
    const { traces, logs } = fixture("otel-instrumentation-openai");
    const ingest = createIngest({ store, clock });
    await store.appendBodies([traces, logs]);
    await ingest.drain(true);
    const once = await store.listTraces({ limit: 50 });
    await store.appendBodies([traces, logs, traces]);
    await ingest.drain(true);
    expect(await store.listTraces({ limit: 50 })).toEqual(once);
  });

  test("a body that can't be read is kept with its reason and does not stop the others", async () => {
    const ingest = createIngest({ store, clock });
    const broken: RawBody = { ...aSpan("00000000000000a1", "", "invoke_agent"), body: Buffer.from("{not json") };
    await store.appendBodies([broken, aSpan("00000000000000a1", "", "invoke_agent")]);
    const { mapped } = await ingest.drain(true);
    expect([mapped, (await store.listTraces({})).length, (await store.status()).unmappedBodies]).toEqual([2, 1, 0]);
  });

  test("a body that the store can't take does not hold back the others of its round", async () => {
    const refusing = {
      ...store,
      saveMapped: async (...args: Parameters<typeof store.saveMapped>) => {
        if (args[1].spans.some(({ spanId }) => spanId === "00000000000000bb")) throw new LearnError("invalid", "no");
        await store.saveMapped(...args);
      },
    };
    await store.appendBodies([aSpan("00000000000000bb", "", "chat"), aSpan("00000000000000a1", "", "invoke_agent")]);
    await createIngest({ store: refusing, clock }).drain(true);
    expect([(await store.listTraces({})).length, (await store.status()).unmappedBodies]).toEqual([1, 0]);
  });

  test("feedback that came before the spans decides the verdict", async () => {
    const ingest = createIngest({ store, clock });
    await store.addFeedback({ traceId: T, score: 0, comment: "wrong answer" });
    await store.appendBodies([aSpan("00000000000000a1", "", "invoke_agent")]);
    await ingest.drain(true);
    expect((await store.listTraces({})).map(({ status }) => status)).toEqual(["failure"]);
  });

  test("feedback that came after the run was assembled decides it too", async () => {
    const ingest = createIngest({ store, clock });
    await store.appendBodies([aSpan("00000000000000a1", "", "invoke_agent")]);
    await ingest.drain(true);
    await store.addFeedback({ traceId: T, score: 1 });
    await ingest.drain(true);
    expect((await store.listTraces({})).map(({ status }) => status)).toEqual(["success"]);
  });

  test("feedback on a complete run is judged in the next step, without another quiet period", async () => {
    const ingest = createIngest({ store, clock, quietMs: 10_000 });
    await store.appendBodies([aSpan("00000000000000a1", "", "invoke_agent")]);
    await ingest.drain(true);
    await store.addFeedback({ traceId: T, score: 0 });
    await ingest.step();
    expect((await store.listTraces({})).map(({ status, completeness }) => [status, completeness])).toEqual([["failure", "root-ended"]]);
  });

  test("a trace that waits for its root is not read again before something arrives", async () => {
    let reads = 0;
    const counting = {
      ...store,
      materialOf: async (traceIds: readonly string[]) => {
        reads += 1;
        return store.materialOf(traceIds);
      },
    };
    const ingest = createIngest({ store: counting, clock, quietMs: 10_000, idleMs: 60_000 });
    await store.appendBodies([aSpan("00000000000000b2", "00000000000000b1", "chat")]);
    await ingest.step();
    wait(20);
    for (let round = 0; round < 5; round += 1) await ingest.step();
    const before = reads;
    await store.appendBodies([aSpan("00000000000000b3", "00000000000000b2", "execute_tool")]);
    await ingest.step();
    wait(11);
    await ingest.step();
    expect([before, reads]).toEqual([1, 2]);
  });

  describe("behind more traces than one step takes", () => {
    const others = (parentSpanId: string): RawBody[] =>
      Array.from({ length: 70 }, (_unused, index) =>
        aSpan("00000000000000b2", parentSpanId, "chat", {}, (0x1000 + index).toString(16).padStart(32, "0")),
      );

    test("that wait for their root, a quiet trace is found without another look at them all", async () => {
      const ingest = createIngest({ store, clock, quietMs: 10_000, idleMs: 60_000 });
      await store.appendBodies(others("00000000000000b1"));
      for (let round = 0; round < 3; round += 1) await ingest.step();
      wait(1);
      await store.appendBodies([aSpan("00000000000000a1", "", "invoke_agent")]);
      await ingest.step();
      wait(11);
      for (let round = 0; round < 3; round += 1) await ingest.step();
      expect((await store.listTraces({})).map(({ completeness }) => completeness)).toEqual(["root-ended"]);
    });

    test("that are not quiet, a trace beyond the limit waits a second at most", async () => {
      const ingest = createIngest({ store, clock, maxSpans: 2 });
      await ingest.step();
      const big = ["a1", "a2", "a3"].map((id) => aSpan(`00000000000000${id}`, id === "a1" ? "" : "00000000000000a1", "invoke_agent"));
      await store.appendBodies([...others(""), ...big]);
      for (let round = 0; round < 4; round += 1) await ingest.step();
      wait(1);
      await ingest.step();
      expect((await store.listTraces({})).map(({ completeness }) => completeness)).toEqual(["limit"]);
    });
  });
});
