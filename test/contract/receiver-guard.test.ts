import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OTLPTraceExporter as GrpcExporter } from "@opentelemetry/exporter-trace-otlp-grpc";
import { OTLPTraceExporter as ProtobufExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { afterEach, describe, expect, test, vi } from "vitest";
import { createApi, startApi } from "../../collector/api/app.ts";
import type { ApiPorts } from "../../collector/api/ports.ts";
import { checkBind, isLoopback } from "../../collector/bind-rule.ts";
import { defaultLimits } from "../../collector/limits.ts";
import { readTlsKeys } from "../../collector/tls.ts";
import { createRemoteKnowledge } from "../../src/agent/remote-knowledge.ts";
import { jsonTraces, protobufTraces, SPAN_ID, sdkSpans, TRACE_ID } from "../support/otlp.ts";
import { grpcCall, grpcFrame, startReceiver, type TestReceiver, type TestReceiverOptions } from "../support/receiver.ts";
import { CERT_FILE, KEY_FILE, OTHER_KEY_FILE, secureFetch, testKeys } from "../support/tls.ts";

const PROTOBUF = "application/x-protobuf";
const good = protobufTraces([[TRACE_ID, SPAN_ID]]);

let closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(closers.map((close) => close()));
  closers = [];
});

async function start(transport: "http" | "grpc", options?: TestReceiverOptions): Promise<TestReceiver> {
  const receiver = await startReceiver(transport, options);
  closers.push(() => receiver.close());
  return receiver;
}

function exported(exporter: {
  export(spans: never[], done: (result: { code: number }) => void): void;
  shutdown(): Promise<void>;
}): Promise<number> {
  return new Promise((resolve) => {
    exporter.export(sdkSpans() as never[], ({ code }) => {
      void exporter.shutdown();
      resolve(code);
    });
  });
}

describe("pages in a browser", () => {
  const page = "https://app.example";
  const json = { "content-type": "application/json" };
  const post = (receiver: TestReceiver, headers: Record<string, string>) =>
    fetch(`${receiver.url}/v1/traces`, { method: "POST", headers: { ...json, ...headers }, body: jsonTraces([[TRACE_ID, SPAN_ID]]) });
  const ask = (receiver: TestReceiver, origin: string, path = "/v1/traces") => {
    const headers = { origin, "access-control-request-method": "POST", "access-control-request-headers": "content-type,authorization" };
    return fetch(receiver.url + path, { method: "OPTIONS", headers });
  };

  test("are refused, and told nothing, unless their origin is listed", async () => {
    for (const corsOrigins of [[], ["https://other.example"]]) {
      const receiver = await start("http", { corsOrigins });
      const asked = await ask(receiver, page);
      const posted = await post(receiver, { origin: page });
      expect([asked.status, posted.status]).toEqual([405, 403]);
      for (const answer of [asked, posted]) expect(answer.headers.get("access-control-allow-origin")).toBeNull();
      expect(receiver.bodies).toEqual([]);
    }
  });

  test("are refused when a name of theirs points here, so that their origin is this very host", async () => {
    const receiver = await start("http");
    expect((await post(receiver, { origin: `http://rebound.example:${receiver.port}` })).status).toBe(403);
    expect((await post(receiver, { origin: "null" })).status).toBe(403);
  });

  test.each([[[page, "https://two.example"]], [["*"]]])("of a listed origin may ask and send: %s", async (corsOrigins) => {
    const receiver = await start("http", { corsOrigins });
    const asked = await ask(receiver, page);
    expect([asked.status, await asked.text()]).toEqual([204, ""]);
    expect(Object.fromEntries(asked.headers)).toMatchObject({
      "access-control-allow-origin": page,
      "access-control-allow-methods": "POST",
      "access-control-allow-headers": "content-type,authorization",
      vary: "Origin",
    });
    const posted = await post(receiver, { origin: page });
    expect([posted.status, posted.headers.get("access-control-allow-origin"), posted.headers.get("vary")]).toEqual([200, page, "Origin"]);
    expect(receiver.bodies).toHaveLength(1);
  });

  test("of a listed origin can read refusals too", async () => {
    const receiver = await start("http", { corsOrigins: [page] });
    const refused = await post(receiver, { origin: page, "content-encoding": "lz4" });
    expect([refused.status, refused.headers.get("access-control-allow-origin")]).toEqual([415, page]);
  });

  test("are asked for the token when they send, not when they ask, and then need no list", async () => {
    const listed = await start("http", { corsOrigins: [page], token: "secret" });
    expect((await ask(listed, page)).status).toBe(204);
    const refused = await post(listed, { origin: page });
    expect([refused.status, refused.headers.get("access-control-allow-origin")]).toEqual([401, page]);
    const proxied = await start("http", { token: "secret" });
    expect((await post(proxied, { origin: page, authorization: "Bearer secret" })).status).toBe(200);
  });

  test("find no way past the list on another path", async () => {
    const receiver = await start("http", { corsOrigins: [page] });
    expect((await ask(receiver, page, "/nothing")).status).toBe(404);
  });
});

describe("the token", () => {
  test("is compared whole: no prefix, no extension, no other scheme, no query", async () => {
    const receiver = await start("http", { token: "secret" });
    const post = async (authorization: string, path = "/v1/traces") =>
      (await fetch(receiver.url + path, { method: "POST", headers: { "content-type": PROTOBUF, authorization }, body: good })).status;
    for (const wrong of ["", "Bearer", "Bearer ", "Bearer secre", "Bearer secrets", "Bearer SECRET", "Basic secret", "secret"])
      expect([wrong, await post(wrong)]).toEqual([wrong, 401]);
    expect(await post("Bearer wrong", "/v1/traces?token=secret&access_token=secret")).toBe(401);
    expect(await post("bearer secret")).toBe(200);
  });

  test.each(["/v1/traces", "/v1/logs", "/v1/metrics", "/", "/v1/nothing"])("is asked for on every path and method: %s", async (path) => {
    const receiver = await start("http", { token: "secret" });
    for (const method of ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
      expect([method, (await fetch(receiver.url + path, { method })).status]).toEqual([method, 401]);
  });

  test("reaches us through the stock exporters", async () => {
    const http = await start("http", { token: "secret" });
    const url = `${http.url}/v1/traces`;
    expect(await exported(new ProtobufExporter({ url, headers: { Authorization: "Bearer secret" } }))).toBe(0);
    expect(await exported(new ProtobufExporter({ url }))).toBe(1);
    const grpc = await start("grpc", { token: "secret" });
    expect(await exported(new GrpcExporter({ url: grpc.url }))).toBe(1);
    // As our refusal says it.
    vi.stubEnv("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer%20secret");
    expect(await exported(new GrpcExporter({ url: grpc.url }))).toBe(0);
    expect(await exported(new ProtobufExporter({ url }))).toBe(0);
  });
});

describe("TLS", () => {
  test("carries OTLP over HTTP and nothing unencrypted", async () => {
    const receiver = await start("http", { tls: testKeys() });
    const url = `${receiver.url}/v1/traces`;
    const answer = await secureFetch(url, { method: "POST", headers: { "content-type": PROTOBUF }, body: good });
    expect([answer.status, answer.protocol]).toEqual([200, "TLSv1.3"]);
    await expect(fetch(url.replace("https", "http"), { method: "POST", body: good })).rejects.toThrow();
    expect(await exported(new ProtobufExporter({ url, httpAgentOptions: { ca: readFileSync(CERT_FILE) } } as never))).toBe(0);
    expect(receiver.bodies).toHaveLength(2);
  });

  test("carries OTLP over gRPC, by ALPN, and nothing unencrypted", async () => {
    const receiver = await start("grpc", { tls: testKeys() });
    const ca = readFileSync(CERT_FILE);
    expect((await grpcCall(receiver.port, [grpcFrame(good)], {}, ca)).status).toBe(0);
    await expect(grpcCall(receiver.port, [grpcFrame(good)])).rejects.toThrow();
    vi.stubEnv("OTEL_EXPORTER_OTLP_CERTIFICATE", CERT_FILE);
    expect(await exported(new GrpcExporter({ url: receiver.url }))).toBe(0);
    const session = connectHttp2(receiver.url, { ca });
    await new Promise((resolve) => session.once("connect", resolve));
    expect(session.alpnProtocol).toBe("h2");
    session.destroy();
  });

  test("carries the API", async () => {
    const ports = { status: async () => ({ schemaVersion: 1 }) } as unknown as ApiPorts;
    const api = await startApi({ app: createApi({ ports }), port: 0, limits: defaultLimits, tls: testKeys() });
    closers.push(() => api.close());
    expect((await secureFetch(`https://127.0.0.1:${api.port}/api/v1/status`)).text).toBe('{"schemaVersion":1}');
  });

  test.each(["http", "grpc"] as const)("lets go of a %s client that never shakes hands", async (transport) => {
    const receiver = await start(transport, { tls: testKeys(), limits: { headersTimeoutMs: 200 } });
    const silent = connect(receiver.port, "127.0.0.1");
    silent.on("error", () => {}).resume();
    const started = performance.now();
    await new Promise((resolve) => silent.once("close", resolve));
    expect(performance.now() - started).toBeLessThan(3_000);
  });

  test.each(["http", "grpc"] as const)("lets %s close though a handshake never ends", async (transport) => {
    const receiver = await start(transport, {
      tls: testKeys(),
      limits: { headersTimeoutMs: 20_000, requestTimeoutMs: 20_000, closeTimeoutMs: 200 },
    });
    const silent = connect(receiver.port, "127.0.0.1");
    silent.on("error", () => {}).resume();
    await new Promise((resolve) => silent.once("connect", resolve));
    await new Promise((resolve) => setTimeout(resolve, 50));
    const started = performance.now();
    await receiver.close();
    expect(performance.now() - started).toBeLessThan(3_000);
  });
});

describe("key files", () => {
  test("are none, or both", () => {
    expect(readTlsKeys({})).toBeUndefined();
    expect(readTlsKeys({ tlsCertFile: CERT_FILE, tlsKeyFile: KEY_FILE })).toEqual(testKeys());
  });

  test.each([
    ["one without the other", { tlsCertFile: CERT_FILE }, "tlsKeyFile is not"],
    ["the other without the one", { tlsKeyFile: KEY_FILE }, "tlsCertFile is not"],
    ["a file that is not there", { tlsCertFile: "/nowhere.pem", tlsKeyFile: KEY_FILE }, "tlsCertFile cannot be read"],
    ["a key of another certificate", { tlsCertFile: CERT_FILE, tlsKeyFile: OTHER_KEY_FILE }, "TLS cannot use"],
  ])("are refused before anything listens: %s", (_what, config, words) => {
    expect(() => readTlsKeys(config)).toThrow(words);
  });

  test("are never quoted", () => {
    const folder = mkdtempSync(join(tmpdir(), "agentlearn-tls-"));
    const broken = join(folder, "key.pem");
    writeFileSync(broken, "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n");
    try {
      readTlsKeys({ tlsCertFile: CERT_FILE, tlsKeyFile: broken });
      expect.unreachable();
    } catch (caught) {
      expect((caught as Error).message).not.toContain("c2VjcmV0");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("the address", () => {
  test.each(["127.0.0.1", "127.9.9.9", "localhost", "::1", "[::1]"])("%s needs nothing", (host) => {
    expect(isLoopback(host)).toBe(true);
    expect(() => checkBind({ host, allowOpenBind: false })).not.toThrow();
  });

  test.each(["0.0.0.0", "::", "192.168.1.5", "example.org", "127.0.0.1.example.org", "::ffff:127.0.0.1", "0", ""])(
    "%s needs a token or the explicit flag",
    (host) => {
      expect(() => checkBind({ host, allowOpenBind: false })).toThrow(expect.objectContaining({ code: "invalid" }));
      expect(() => checkBind({ host, allowOpenBind: true })).not.toThrow();
      expect(() => checkBind({ host, token: "secret", allowOpenBind: false })).not.toThrow();
    },
  );
});

test("an agent sends the token with its questions and its feedback, and says what is missing without", async () => {
  const asked: unknown[] = [];
  const changes = { changes: [], seq: 3, more: false };
  const ports = { knowledgeChanges: async () => changes, addFeedback: async (feedback: unknown) => void asked.push(feedback) };
  const app = createApi({ ports: ports as unknown as ApiPorts, token: "secret" });
  const api = await startApi({ app, port: 0, limits: defaultLimits });
  closers.push(() => api.close());
  const apiUrl = `http://127.0.0.1:${api.port}`;
  const remote = createRemoteKnowledge({ apiUrl, token: "secret" });
  expect(await remote.knowledgeChanges(0, 10)).toEqual(changes);
  await remote.feedback({ traceId: TRACE_ID, score: 1 });
  expect(asked).toEqual([{ traceId: TRACE_ID, score: 1 }]);
  await expect(createRemoteKnowledge({ apiUrl }).knowledgeChanges(0, 10)).rejects.toMatchObject({
    code: "invalid",
    hint: expect.stringContaining("AGENTLEARN_TOKEN"),
  });
});
