import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT_CONTEXT } from "@opentelemetry/api";
import { BasicTracerProvider } from "@opentelemetry/sdk-trace-base";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Collector, startCollector } from "../../collector/main.ts";
import { AgentLearn } from "../../src/compose/agent-learn.ts";
import { AgentLearnSpanProcessor } from "../../src/compose/processors.ts";
import { customSignal } from "../../src/outcome/custom-signal.ts";
import { decodeBody } from "../../src/span/otlp/decode-body.ts";
import type { RawLog } from "../../src/span/raw-span.ts";

let folder: string;
const closers: (() => Promise<unknown>)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "agentlearn-evaluations-"));
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  rmSync(folder, { recursive: true, force: true });
});

/** One run of a real SDK, told to each of our processors. The ids are those of its root span. */
async function oneRun(...targets: readonly ({ readonly store: string } | { readonly endpoint: string })[]) {
  const processors = targets.map((target) => new AgentLearnSpanProcessor(target));
  const provider = new BasicTracerProvider({ spanProcessors: processors });
  const attributes = {
    "gen_ai.operation.name": "invoke_agent",
    "gen_ai.input.messages": JSON.stringify([{ role: "user", parts: [{ type: "text", content: "the question" }] }]),
    "gen_ai.output.messages": JSON.stringify([{ role: "assistant", parts: [{ type: "text", content: "the answer" }] }]),
  };
  const span = provider.getTracer("agent").startSpan("invoke_agent", { attributes }, ROOT_CONTEXT);
  span.end();
  await provider.forceFlush();
  await provider.shutdown();
  return span.spanContext();
}

async function learnt(evaluationsEndpoint: string | undefined) {
  const learn = new AgentLearn({
    store: `file:${join(folder, "a.db")}`,
    ...(evaluationsEndpoint === undefined ? {} : { evaluationsEndpoint }),
    outcomes: [customSignal("tone", () => ({ score: 0.25, reasoning: "too short", review: true }))],
    analyzers: [],
  });
  const report = await learn.learn();
  await learn.close();
  return report;
}

/** An OTLP/HTTP receiver that only listens. */
async function listener(): Promise<{ readonly url: string; readonly requests: { path: string; logs: readonly RawLog[] }[] }> {
  const requests: { path: string; logs: readonly RawLog[] }[] = [];
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks);
      const decoded = decodeBody({ body, encoding: "identity", format: "otlp-json", signal: "logs" }, { maxItems: 1_000 });
      requests.push({ path: request.url ?? "", logs: decoded.batch.logs });
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => new Promise((resolve) => server.close(resolve)));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

async function collector(): Promise<Collector> {
  const started = await startCollector({
    store: `file:${join(folder, "b.db")}`,
    otlpHttpPort: 0,
    otlpGrpcPort: 0,
    apiPort: 0,
    quietMs: 20,
  });
  closers.push(started.close);
  return started;
}

describe("our own judgements as gen_ai.evaluation.result", () => {
  test("one per outcome, in the context of the run's root span, once", async () => {
    const { url, requests } = await listener();
    const { traceId, spanId } = await oneRun({ store: `file:${join(folder, "a.db")}` });
    await learnt(url);
    await learnt(url);
    expect(requests.map(({ path }) => path)).toEqual(["/v1/logs"]);
    const logs = requests.flatMap((request) => request.logs);
    expect(logs.map((log) => [log.eventName, log.traceId, log.spanId])).toEqual(
      Array.from({ length: 2 }, () => ["gen_ai.evaluation.result", traceId, spanId]),
    );
    expect(logs.map(({ attributes }) => attributes)).toEqual([
      {
        "gen_ai.evaluation.name": "signal:tone",
        "gen_ai.evaluation.score.value": 0.25,
        "gen_ai.evaluation.score.label": "failure",
        "gen_ai.evaluation.explanation": "too short",
        "agentlearn.evaluation.source": "signal:tone",
        "agentlearn.evaluation.review": true,
      },
      expect.objectContaining({ "gen_ai.evaluation.name": "deterministic", "gen_ai.evaluation.score.value": 1 }),
    ]);
  });

  test("nothing is sent where no endpoint is named", async () => {
    const { requests } = await listener();
    await oneRun({ store: `file:${join(folder, "a.db")}` });
    expect((await learnt(undefined)).tracesAnalyzed).toBe(1);
    expect(requests).toEqual([]);
  });

  test("a receiver that refuses them costs nothing but a line in the report", async () => {
    const { apiUrl } = await collector();
    await oneRun({ store: `file:${join(folder, "a.db")}` });
    const report = await learnt(apiUrl);
    expect(report.tracesAnalyzed).toBe(1);
    expect(report.analyzerFailures).toMatchObject([{ analyzer: "onJudged", tracesStayUnread: false }]);
  });

  // A learner that took its own word for another tool's would be sure of whatever it once said.
  test("they are no judgements of other tools to us when they come back, and do not open the run again", async () => {
    const { otlpHttpUrl, store } = await collector();
    const { traceId, spanId } = await oneRun({ store: `file:${join(folder, "a.db")}` }, { endpoint: otlpHttpUrl });
    await store.drain();
    const sources = async () => (await store.outcomesOf(`${traceId}-${spanId}`)).map(({ source }) => source);
    expect(await sources()).toEqual(["deterministic"]);
    await learnt(otlpHttpUrl);
    expect((await store.status()).pendingTraces).toBe(0);
    await store.drain();
    expect(await sources()).toEqual(["deterministic"]);
    await foreignWord(otlpHttpUrl, traceId, spanId);
    await store.drain();
    expect(await sources()).toEqual(["evaluation:signal:tone", "deterministic"]);
  });
});

/** The same event without our mark, as another tool would send it. */
async function foreignWord(url: string, traceId: string, spanId: string): Promise<void> {
  const attributes = [
    { key: "gen_ai.evaluation.name", value: { stringValue: "signal:tone" } },
    { key: "gen_ai.evaluation.score.value", value: { doubleValue: 0.25 } },
  ];
  const logRecords = [{ timeUnixNano: "1000", eventName: "gen_ai.evaluation.result", traceId, spanId, attributes }];
  const body = JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] });
  const answer = await fetch(`${url}/v1/logs`, { method: "POST", headers: { "content-type": "application/json" }, body });
  expect(answer.status).toBe(200);
}
