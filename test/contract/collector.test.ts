import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT_CONTEXT } from "@opentelemetry/api";
import { BasicTracerProvider } from "@opentelemetry/sdk-trace-base";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Collector, type CollectorOptions, startCollector } from "../../collector/main.ts";
import { AgentLearn } from "../../src/compose/agent-learn.ts";
import { AgentLearnSpanProcessor } from "../../src/compose/processors.ts";
import type { Diagnostics } from "../../src/store/ports.ts";
import { protobufTraces, SPAN_ID, TRACE_ID } from "../support/otlp.ts";
import { grpcCall, grpcFrame } from "../support/receiver.ts";
import { CERT_FILE, KEY_FILE, secureFetch } from "../support/tls.ts";
import { aLesson, aValidation, changed } from "./store/factories.ts";

const PROTOBUF = { "content-type": "application/x-protobuf" };
const good = protobufTraces([[TRACE_ID, SPAN_ID]]);

let folder = "";
let collector: Collector | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "agentlearn-collector-"));
});
afterEach(async () => {
  await collector?.close();
  collector = undefined;
  rmSync(folder, { recursive: true, force: true });
});

async function start(options: CollectorOptions = {}): Promise<Collector> {
  collector = await startCollector({ store: storeUrl(), otlpHttpPort: 0, otlpGrpcPort: 0, apiPort: 0, ...options });
  return collector;
}

const storeUrl = () => `file:${join(folder, "learn.db")}`;
const portOf = (url: string) => Number(new URL(url).port);

describe("an address that others reach", () => {
  test.each(["0.0.0.0", "::"])("is refused without a token, before anything is opened: %s", async (host) => {
    await expect(start({ host })).rejects.toMatchObject({ code: "invalid", hint: expect.stringContaining("AGENTLEARN_TOKEN") });
    expect(existsSync(join(folder, "learn.db"))).toBe(false);
  });

  test("is taken with the explicit flag, and then pages still cannot read the API by a name of theirs", async () => {
    const { apiUrl } = await start({ host: "0.0.0.0", allowOpenBind: true });
    const url = `http://127.0.0.1:${portOf(apiUrl)}`;
    expect((await fetch(`${url}/api/v1/status`)).status).toBe(200);
  });

  test("is taken with a token, which every port asks for", async () => {
    const { otlpHttpUrl, otlpGrpcUrl, apiUrl } = await start({ host: "0.0.0.0", token: "secret" });
    const post = (headers: object) =>
      fetch(`http://127.0.0.1:${portOf(otlpHttpUrl)}/v1/traces`, { method: "POST", headers: { ...PROTOBUF, ...headers }, body: good });
    const status = (headers: Record<string, string>) => fetch(`http://127.0.0.1:${portOf(apiUrl)}/api/v1/status`, { headers });
    const authorization = "Bearer secret";
    expect([(await post({})).status, (await post({ authorization })).status]).toEqual([401, 200]);
    expect([(await status({})).status, (await status({ authorization })).status]).toEqual([401, 200]);
    const port = portOf(otlpGrpcUrl);
    expect((await grpcCall(port, [grpcFrame(good)])).status).toBe(16);
    expect((await grpcCall(port, [grpcFrame(good)], { authorization })).status).toBe(0);
  });
});

test("half of the TLS settings is refused before anything is opened", async () => {
  await expect(start({ tlsCertFile: CERT_FILE })).rejects.toMatchObject({ code: "invalid" });
  expect(existsSync(join(folder, "learn.db"))).toBe(false);
});

test("TLS is spoken on all three ports, and the addresses say so", async () => {
  const { otlpHttpUrl, otlpGrpcUrl, apiUrl } = await start({ tlsCertFile: CERT_FILE, tlsKeyFile: KEY_FILE });
  for (const url of [otlpHttpUrl, otlpGrpcUrl, apiUrl]) expect(url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
  const answer = await secureFetch(`${otlpHttpUrl}/v1/traces`, { method: "POST", headers: PROTOBUF, body: good });
  expect([answer.status, (await secureFetch(`${apiUrl}/healthz`)).status]).toEqual([200, 200]);
  const { readFileSync } = await import("node:fs");
  expect((await grpcCall(portOf(otlpGrpcUrl), [grpcFrame(good)], {}, readFileSync(CERT_FILE))).status).toBe(0);
});

test("maxBodyBytes bounds a request over HTTP and gRPC", async () => {
  const { otlpHttpUrl, otlpGrpcUrl } = await start({ maxBodyBytes: 2_048 });
  const post = async (bytes: number) =>
    (await fetch(`${otlpHttpUrl}/v1/metrics`, { method: "POST", headers: PROTOBUF, body: new Uint8Array(bytes) })).status;
  expect([await post(2_048), await post(2_049)]).toEqual([200, 413]);
  expect((await grpcCall(portOf(otlpGrpcUrl), [grpcFrame(new Uint8Array(2_049))])).status).toBe(8);
});

test("the status of the API tells what the receiver saw", async () => {
  const { otlpHttpUrl, apiUrl } = await start();
  await (await fetch(`${otlpHttpUrl}/v1/traces`, { method: "POST", headers: PROTOBUF, body: good })).arrayBuffer();
  const status = (await (await fetch(`${apiUrl}/api/v1/status`)).json()) as { schemaVersion: number; receiver: object };
  expect(status.schemaVersion).toBeGreaterThan(0);
  expect(status.receiver).toMatchObject({
    requests: [{ transport: "http", signal: "traces", encoding: "identity", code: 200, count: 1 }],
    spans: { accepted: 1 },
    bytes: { received: good.length, decoded: good.length },
  });
});

test("the status of the API says per emitter what content is missing, and the store knows what the receiver refused", async () => {
  const { otlpHttpUrl, apiUrl, store } = await start();
  const body = readFileSync("test/fixtures/spans/otel-instrumentation-openai-nocontent.json");
  const post = (path: string, type: string) =>
    fetch(`${otlpHttpUrl}/v1/${path}`, { method: "POST", headers: { "content-type": type }, body }).then(({ status }) => status);
  expect([await post("traces", "application/json"), await post("logs", "application/json"), await post("traces", "text/plain")]).toEqual([
    200, 200, 415,
  ]);
  await store.drain();
  const { diagnostics } = (await (await fetch(`${apiUrl}/api/v1/status`)).json()) as { diagnostics: Diagnostics };
  expect(diagnostics.scopes).toMatchObject([
    { llmCalls: 11, withContent: 0, switch: { set: "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true" } },
  ]);
  expect(diagnostics).toMatchObject({ spans: 14, dropped: 0, truncated: 0, inferred: { steps: 4 } });
  await expect
    .poll(async () => (await store.diagnostics()).receiver, { timeout: 5_000 })
    .toMatchObject({ rejected: 0, refused: { "http 415": 1 } });
});

test("an agent that knows the token is heard: its spans, its questions and its feedback", async () => {
  const { otlpHttpUrl, apiUrl, store } = await start({ token: "secret", quietMs: 50 });
  const at = { endpoint: otlpHttpUrl, apiUrl, token: "secret" };
  const learn = new AgentLearn({ ...at, agentName: "clerk" });
  const agent = learn.trace(async (task: string) => `answer to ${task}`);
  await agent("the question");
  expect(await learn.getKnowledge("the question")).toBe("");
  await learn.feedback({ traceId: TRACE_ID, score: 1 });
  await learn.close();
  expect((await store.materialOf([TRACE_ID]))[0]?.feedback).toHaveLength(1);
  await store.drain();
  expect((await store.listTraces({})).map(({ task }) => task)).toEqual(["the question"]);
});

test("a processor without the token loses its spans and says why, without harm to the agent", async () => {
  const { otlpHttpUrl, store } = await start({ token: "secret" });
  const processor = new AgentLearnSpanProcessor({ endpoint: otlpHttpUrl });
  const tracer = new BasicTracerProvider({ spanProcessors: [processor] }).getTracer("test");
  tracer.startSpan("chat", { attributes: { "gen_ai.operation.name": "chat" } }, ROOT_CONTEXT).end();
  await processor.forceFlush();
  await processor.shutdown();
  expect((await store.status()).unmappedBodies).toBe(0);
});

test("an agent has the collector's knowledge in its own memory: it follows changes, and answers when the collector is gone", async () => {
  const { otlpHttpUrl, apiUrl, store, close } = await start({ token: "secret" });
  const activate = async (content: string): Promise<void> => {
    const { item } = await store.propose(aLesson({ content, appliesWhen: "" }), "learner");
    const [next, entry] = changed(item, { status: "active", validation: aValidation(item.id) }, "activate");
    await store.saveItem(next, entry);
  };
  await activate("Weigh parcels in grams.");
  const learn = new AgentLearn({ endpoint: otlpHttpUrl, apiUrl, token: "secret", withholdProbability: 0 });
  expect(await learn.getKnowledge("weigh it")).toContain("Weigh parcels in grams.");
  await activate("Round invoices to cents.");
  await vi.waitFor(async () => expect(await learn.getKnowledge("an invoice")).toContain("Round invoices to cents."), { timeout: 2_500 });
  await close();
  expect(await learn.getKnowledge("weigh it")).toContain("Weigh parcels in grams.");
  await learn.close();
});
