import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { ROOT_CONTEXT, trace } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AgentLearnSpanProcessor } from "../../src/compose/processors.ts";
import { temporaryFolder } from "../unit/store/temporary.ts";

const CLI = `${process.cwd()}/dist/src/cli/main.js`;
const inFolder = temporaryFolder();
const env = { ...process.env, AGENTLEARN_STORE: undefined, OPENAI_API_KEY: undefined, OPENAI_BASE_URL: undefined } as NodeJS.ProcessEnv;

interface Finding {
  readonly check: string;
  readonly level: string;
  readonly detail: string;
  readonly hint?: string;
}
interface Report {
  readonly findings: readonly Finding[];
  readonly wait?: {
    readonly arrived?: {
      readonly emitters: readonly { readonly scope: string; readonly dialects: readonly string[] }[];
      readonly runs: readonly object[];
    };
    readonly next: readonly string[];
  };
}
interface Ended {
  readonly code: number;
  readonly report: Report;
}

/** Runs doctor with --json and resolves with what it said; `started` is called when it runs. */
function doctor(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [CLI, "doctor", "--json", ...args], { env, timeout: 60_000 }, (_error, stdout) =>
      resolve({ code: child.exitCode ?? -1, report: JSON.parse(stdout) as Report }),
    );
  });
}

const SCOPE = "@opentelemetry/instrumentation-openai";
const said = (content: string) => JSON.stringify([{ role: "user", parts: [{ type: "text", content }] }]);

/** One agent run with one LLM call of the official instrumentation's name, through a real SDK and exporter. */
async function runAgent(processor: BatchSpanProcessor | AgentLearnSpanProcessor, words?: string): Promise<void> {
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ "service.name": "shop", "telemetry.sdk.language": "nodejs" }),
    spanProcessors: [processor],
    spanLimits: { attributeCountLimit: 3 },
  });
  const task = {
    "gen_ai.operation.name": "invoke_agent",
    "gen_ai.agent.name": "shop",
    ...(words === undefined ? {} : { "gen_ai.input.messages": said(words) }),
  };
  const agent = provider.getTracer("my-app").startSpan("invoke_agent shop", { attributes: task });
  const chat = {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "m",
    ...(words === undefined ? {} : { "gen_ai.input.messages": said(words) }),
  };
  const span = provider.getTracer(SCOPE).startSpan("chat m", { kind: 2, attributes: chat }, trace.setSpan(ROOT_CONTEXT, agent));
  span.setAttribute("gen_ai.response.id", "r1").setAttribute("gen_ai.usage.input_tokens", 3);
  span.end();
  agent.end();
  await provider.shutdown();
}

/** Runs the agent again and again until somebody has seen it: on a busy machine nobody knows when a command that was started begins to look. */
async function whileRunning<T>(watching: Promise<T>, run: () => Promise<void>): Promise<T> {
  let over = false;
  const watched = watching.finally(() => {
    over = true;
  });
  while (!over) {
    await run();
    await Promise.race([watched, sleep(1_500)]);
  }
  return watched;
}

interface Up {
  readonly child: ChildProcess;
  readonly otlpHttp: string;
  readonly ports: readonly string[];
}

async function startUp(store: string): Promise<Up> {
  const child = spawn(
    process.execPath,
    [CLI, "up", "--json", "--store", store, "--otlp-http-port", "0", "--otlp-grpc-port", "0", "--api-port", "0"],
    {
      env,
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const [line] = (await once(createInterface({ input: child.stdout as NodeJS.ReadableStream }), "line")) as [string];
  const { otlpHttp, otlpGrpc, api } = JSON.parse(line) as { readonly [name: string]: string };
  const port = (url: string | undefined) => new URL(url ?? "").port;
  return {
    child,
    otlpHttp: otlpHttp ?? "",
    ports: ["--otlp-http-port", port(otlpHttp), "--otlp-grpc-port", port(otlpGrpc), "--api-port", port(api)],
  };
}

const finding = ({ report }: Ended, check: string): Finding | undefined => report.findings.find((one) => one.check === check);

describe("beside a running collector", () => {
  const store = `file:${inFolder("up.db")}`;
  let up: Up;
  beforeAll(async () => {
    up = await startUp(store);
  });
  afterAll(async () => {
    up.child.kill("SIGTERM");
    await once(up.child, "exit");
  });
  const exporter = () => new BatchSpanProcessor(new OTLPTraceExporter({ url: `${up.otlpHttp}/v1/traces` }));

  test("the ports of its own collector are in order, each by what answers there", async () => {
    const ended = await doctor("--store", store, ...up.ports);
    expect(
      ended.report.findings.filter(({ check }) => check.endsWith("port")).map(({ level, detail }) => [level, detail.replace(/^\d+ /, "")]),
    ).toEqual([
      ["ok", "answers OTLP"],
      ["ok", "answers OTLP over gRPC"],
      ["ok", "answers as the AgentLearn API"],
    ]);
    expect(ended.code).toBe(6);
  });

  test("--wait ends with 6 and what to check next when nothing comes, naming requests that were refused meanwhile", async () => {
    const waiting = doctor("--store", store, ...up.ports, "--wait", "8");
    const refused = setInterval(
      () => void fetch(`${up.otlpHttp}/v1/traces`, { method: "POST", headers: { "content-type": "text/plain" }, body: "x" }),
      300,
    );
    const ended = await waiting;
    clearInterval(refused);
    expect([ended.code, ended.report.wait?.arrived]).toEqual([6, undefined]);
    expect(ended.report.wait?.next.join("\n")).toMatch(/requests? answered http 415[\s\S]*OTEL_EXPORTER_OTLP_ENDPOINT/);
  });

  test("--wait says what came from a real exporter: emitter, dialect, agent, task, content", async () => {
    const waiting = doctor("--store", store, ...up.ports, "--wait", "40");
    const { code, report } = await whileRunning(waiting, () => runAgent(exporter(), "how many orders?"));
    expect(report.wait?.arrived).toMatchObject({
      spans: 2,
      emitters: expect.arrayContaining([{ scope: SCOPE, spans: 1, dialects: ["otel"] }]),
      runs: [{ task: "how many orders?", agentName: "shop", service: "shop", steps: 1 }],
      content: [{ scope: SCOPE, language: "nodejs", llmCalls: 1, withContent: 1 }],
    });
    expect([code, report.wait?.next]).toEqual([0, []]);
  });

  test("after that the last trace has an age in words, and what the SDK cut is counted", async () => {
    const ended = await doctor("--store", store, ...up.ports);
    expect(finding(ended, "last trace")?.detail).toMatch(/^came (\d+ (second|minute)s? ago|just now)/);
    expect(finding(ended, "losses")).toMatchObject({
      level: "warn",
      detail: expect.stringMatching(/, [1-9]\d* spans? truncated by their emitter/),
    });
    expect(ended.code).toBe(0);
  });
});

describe("without a collector", () => {
  test("--wait sees a trace that an agent's own processor writes, and names the switch for the content that is missing", async () => {
    const store = `file:${inFolder("own.db")}`;
    const waiting = doctor("--store", store, "--wait", "40", "--quiet-ms", "1000");
    const { code, report } = await whileRunning(waiting, () => runAgent(new AgentLearnSpanProcessor({ store })));
    expect(report.wait?.arrived).toMatchObject({
      content: [{ scope: SCOPE, llmCalls: 1, withContent: 0, switch: { set: "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true" } }],
    });
    expect(code).toBe(0);
    const later = await doctor("--store", store);
    expect(finding(later, "content")).toMatchObject({
      level: "warn",
      detail: expect.stringMatching(
        /^no content captured by @opentelemetry\/instrumentation-openai \(nodejs\) of service shop in (\d+) of \1 LLM calls?$/,
      ),
      hint: expect.stringContaining("set OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true"),
    });
  });

  test("waiting does not keep a collector from owning the store", async () => {
    const store = `file:${inFolder("free.db")}`;
    mkdirSync(inFolder(), { recursive: true });
    await runAgent(new AgentLearnSpanProcessor({ store }), "before");
    const waiting = doctor("--store", store, "--wait", "30");
    await sleep(2_000);
    const up = await startUp(store);
    const run = () => runAgent(new BatchSpanProcessor(new OTLPTraceExporter({ url: `${up.otlpHttp}/v1/traces` })), "after");
    expect((await whileRunning(waiting, run)).report.wait?.arrived?.runs).toMatchObject([{ task: "after" }]);
    up.child.kill("SIGTERM");
    await once(up.child, "exit");
  });

  test("a port that a stranger has is a warning with the flag that changes it", async () => {
    const stranger = createServer((_request, answer) => void answer.end("hello")).listen(0, "127.0.0.1");
    await once(stranger, "listening");
    const { port } = stranger.address() as AddressInfo;
    const ended = await doctor("--store", `file:${inFolder("none.db")}`, "--api-port", String(port));
    stranger.close();
    expect(finding(ended, "api port")).toMatchObject({ level: "warn", hint: expect.stringContaining("--api-port N") });
  });

  test.each(["soon", "0", "-3"])("--wait %s is a bad argument", async (seconds) => {
    const child = spawn(process.execPath, [CLI, "doctor", "--wait", seconds], { env, stdio: "ignore" });
    expect((await once(child, "exit"))[0]).toBe(3);
  });
});
