import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { context, defaultTextMapGetter, ROOT_CONTEXT, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { BasicTracerProvider } from "@opentelemetry/sdk-trace-base";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Collector, startCollector } from "../../collector/main.ts";
import { AgentLearn, type AgentLearnOptions } from "../../src/compose/agent-learn.ts";
import { AgentLearnSpanProcessor } from "../../src/compose/processors.ts";
import { AgentLearnPropagator } from "../../src/compose/propagator.ts";
import type { KnowledgeItem } from "../../src/knowledge/knowledge-item.ts";
import { agentlearn } from "../support/agentlearn-cli.ts";

let folder: string;
let collector: Collector;
let agents: AgentLearn[] = [];
const store = (): string => `file:${join(folder, "learn.db")}`;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "agentlearn-tenants-"));
  collector = await startCollector({ store: store(), otlpHttpPort: 0, otlpGrpcPort: 0, apiPort: 0 });
});
afterEach(async () => {
  for (const agent of agents) await agent.close();
  agents = [];
  trace.disable();
  context.disable();
  await collector.close();
  rmSync(folder, { recursive: true, force: true });
});

function anAgent(options: AgentLearnOptions = {}): AgentLearn {
  const agent = new AgentLearn({ store: store(), withholdProbability: 0, ...options });
  agents.push(agent);
  return agent;
}

type Attributes = Readonly<Record<string, string>>;
const attributesOf = (said: Attributes) => Object.entries(said).map(([key, stringValue]) => ({ key, value: { stringValue } }));

let requests = 0;
/** A request that was answered: an HTTP span, the agent in it, and two calls of one tool, of which the first failed. */
interface Request {
  readonly columns: readonly [wrong: string, right: string];
  readonly resource?: Attributes;
  readonly http?: Attributes;
  readonly agent?: Attributes;
  readonly tool?: Attributes;
  readonly agentName?: string;
  /** The agent under it that calls the tool. */
  readonly under?: string;
}

async function send({ columns, resource = {}, http = {}, agent = {}, tool = {}, agentName = "desk", under }: Request): Promise<void> {
  requests += 1;
  const traceId = requests.toString(16).padStart(32, "c");
  const spanId = (index: number): string => `${requests}${index}`.padStart(16, "d");
  const span = (index: number, parent: number | undefined, name: string, said: Attributes, error?: string) => ({
    traceId,
    spanId: spanId(index),
    ...(parent === undefined ? {} : { parentSpanId: spanId(parent) }),
    name,
    kind: 1,
    startTimeUnixNano: String(1_790_000_000_000_000_000n + BigInt(index) * 1_000_000_000n),
    endTimeUnixNano: String(1_790_000_000_000_000_000n + BigInt(index) * 1_000_000_000n + 500_000_000n),
    attributes: attributesOf(said),
    status: error === undefined ? {} : { code: 2, message: error },
  });
  const call = (column: string): Attributes => ({
    "gen_ai.operation.name": "execute_tool",
    "gen_ai.tool.name": "run_sql",
    "gen_ai.tool.call.arguments": JSON.stringify({ query: `SELECT ${column} FROM drivers WHERE year = ${1990 + requests}` }),
    ...tool,
  });
  const [wrong, right] = columns;
  const asked = JSON.stringify([{ role: "user", parts: [{ type: "text", content: `which drivers raced in round ${requests}` }] }]);
  const spans = [
    span(1, undefined, "POST /ask", { "http.request.method": "POST", ...http }),
    span(2, 1, "invoke_agent", {
      "gen_ai.operation.name": "invoke_agent",
      "gen_ai.agent.name": agentName,
      "gen_ai.input.messages": asked,
      ...agent,
    }),
    ...(under === undefined ? [] : [span(5, 2, "invoke_agent", { "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": under })]),
    span(3, under === undefined ? 2 : 5, "execute_tool run_sql", call(wrong), `no such column: ${wrong}`),
    span(4, under === undefined ? 2 : 5, "execute_tool run_sql", { ...call(right), "gen_ai.tool.call.result": "12 rows" }),
  ];
  const body = { resourceSpans: [{ resource: { attributes: attributesOf(resource) }, scopeSpans: [{ scope: { name: "t" }, spans }] }] };
  const response = await fetch(`${collector.otlpHttpUrl}/v1/traces`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  expect(response.status).toBe(200);
}

/** Learns and lets everything that was learnt into use. */
async function learnt(options: AgentLearnOptions = {}): Promise<readonly KnowledgeItem[]> {
  const learn = anAgent(options);
  await learn.learn();
  for (const { id, status } of await learn.knowledge.list())
    if (status === "candidate") await learn.knowledge.approve(id, { reason: "read" });
  return await learn.knowledge.list();
}

const TASK = "which drivers raced: write the run_sql query for drivers";
const ACME = { columns: ["drivr", "driver"], word: "driver" } as const;
const BETA = { columns: ["surnam", "surname"], word: "surname" } as const;

describe("what one tenant's runs taught", () => {
  test.each<[string, (tenant: string) => Omit<Request, "columns">]>([
    ["on the agent's span", (tenant) => ({ agent: { "agentlearn.tenant": tenant } })],
    ["on the span of one tool call", (tenant) => ({ tool: { "tenant.id": tenant } })],
    ["on the plain span around the agent", (tenant) => ({ http: { "tenant.id": tenant } })],
    ["in the resource", (tenant) => ({ resource: { "service.name": "shop", "tenant.id": tenant } })],
  ])("goes into no prompt of another, where the tenant stands %s", async (_where, place) => {
    await send({ columns: ACME.columns, ...place("acme") });
    await send({ columns: BETA.columns, ...place("beta") });
    const items = await learnt();
    expect(items.map(({ tenant, content }) => [tenant, content.includes("driver"), content.includes("surname")]).sort()).toEqual([
      ["acme", true, false],
      ["beta", false, true],
    ]);
    const agent = anAgent();
    const told = async (tenant: string | undefined): Promise<readonly boolean[]> => {
      const text = await agent.getKnowledge(TASK, tenant === undefined ? {} : { tenant });
      return [ACME.word, BETA.word].map((word) => new RegExp(`\\b${word}\\b`).test(text));
    };
    expect([await told("acme"), await told("beta"), await told("gamma"), await told(undefined)]).toEqual([
      [true, false],
      [false, true],
      [false, false],
      [false, false],
    ]);
  });

  test("is one item for each, with sources of its own, where two tenants' runs teach the same", async () => {
    for (const tenant of ["acme", "acme", "beta"]) await send({ columns: ACME.columns, agent: { "agentlearn.tenant": tenant } });
    const items = await learnt();
    expect(items.map(({ tenant, sourceTraceIds }) => [tenant, sourceTraceIds.length]).sort()).toEqual([
      ["acme", 2],
      ["beta", 1],
    ]);
  });

  test("is nothing where the spans of one run name two tenants", async () => {
    await send({ columns: ACME.columns, agent: { "agentlearn.tenant": "acme" }, tool: { "agentlearn.tenant": "beta" } });
    expect(await learnt()).toEqual([]);
  });

  test("is for everybody with lessonScope open, and one item", async () => {
    for (const tenant of ["acme", "beta"]) await send({ columns: ACME.columns, agent: { "agentlearn.tenant": tenant } });
    const items = await learnt({ lessonScope: "open" });
    expect(items.map(({ tenant, agentName, sourceTraceIds }) => [tenant, agentName, sourceTraceIds.length])).toEqual([
      [undefined, undefined, 2],
    ]);
    expect(await anAgent().getKnowledge(TASK, { tenant: "gamma" })).toContain("driver");
  });
});

describe("what one service's runs taught", () => {
  const shop = { resource: { "service.name": "shop" } };

  test("reaches the agent that works under the one that was asked, in its own name, and no other service", async () => {
    await send({ columns: ACME.columns, ...shop, agentName: "planner", under: "writer" });
    expect((await learnt()).map(({ agentName, service }) => [agentName, service])).toEqual([[undefined, "shop"]]);
    const agent = anAgent();
    expect(await agent.getKnowledge(TASK, { agentName: "writer", service: "shop" })).toContain("driver");
    expect(await agent.getKnowledge(TASK, { agentName: "planner", service: "shop" })).toContain("driver");
    expect(await agent.getKnowledge(TASK, { agentName: "writer", service: "desk" })).toBe("");
  });

  test("by one agent alone is that agent's, and its page says for whom it is", async () => {
    await send({ columns: ACME.columns, ...shop, agent: { "agentlearn.tenant": "acme" } });
    const [item] = await learnt();
    const { stdout } = await agentlearn("knowledge", "show", item?.id ?? "", "--store", store());
    expect(stdout).toMatch(/^scope +agent desk, tenant acme$/m);
    expect(await anAgent().getKnowledge(TASK, { agentName: "writer", tenant: "acme" })).toBe("");
    expect(await anAgent().getKnowledge(TASK, { agentName: "desk", tenant: "acme" })).toContain("driver");
  });
});

describe("ids in baggage from outside", () => {
  // Whoever calls an agent writes them: an item that is not there, one that is out of use, and one of another tenant.
  test("count for no item, and give no run anything", async () => {
    await send({ columns: ACME.columns, agent: { "agentlearn.tenant": "acme" } });
    await send({ columns: BETA.columns, agent: { "agentlearn.tenant": "beta" } });
    const items = await learnt();
    const [foreign, inactive] = ["acme", "beta"].map((tenant) => items.find((item) => item.tenant === tenant)?.id ?? "");
    const agent = anAgent();
    await agent.knowledge.deprecate(inactive ?? "", { reason: "outdated" });
    const named = ["unknown-item", inactive, foreign].join("~");
    const header = `agentlearn.seed=forged,agentlearn.arm=knowledge,agentlearn.items=${named},agentlearn.tenant=acme`;
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const processor = new AgentLearnSpanProcessor({ store: store(), tenant: "beta" });
    trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [processor] }));
    const scope = new AgentLearnPropagator({ baggage: "on" }).extract(ROOT_CONTEXT, { baggage: header }, defaultTextMapGetter);
    const asking = anAgent({ tenant: "beta" });
    const text = await context.with(scope, () =>
      trace
        .getTracer("framework")
        .startActiveSpan("invoke_agent", { attributes: { "gen_ai.operation.name": "invoke_agent" } }, async (span) => {
          const given = await asking.getKnowledge(TASK);
          span
            .setAttribute("gen_ai.output.messages", JSON.stringify([{ role: "assistant", parts: [{ type: "text", content: "twelve" }] }]))
            .end();
          return given;
        }),
    );
    await processor.shutdown();
    await agent.learn();
    const [run] = await Promise.all((await agent.traces.list({ limit: 1 })).map(({ id }) => agent.traces.show(id)));
    expect([text, run?.output, run?.tenant, run?.exposure]).toEqual(["", "twelve", "beta", undefined]);
    const counts = (await agent.knowledge.list()).map(({ counts: { given, withheld } }) => given + withheld);
    expect(counts).toEqual([0, 0]);
  });
});

// The call, the run and the settings of a process all say for whom it works; what is mined from its own spans has to know it too.
describe("a run traced in the agent's own process", () => {
  const says = (role: string, content: string): string => JSON.stringify([{ role, parts: [{ type: "text", content }] }]);
  const ASKED = { "gen_ai.operation.name": "invoke_agent", "gen_ai.input.messages": says("user", TASK) };

  /** The agent as its framework traces it. */
  const agentSpan = (work: () => Promise<unknown>): Promise<void> =>
    trace.getTracer("framework").startActiveSpan("invoke_agent", { attributes: ASKED }, async (span) => {
      await work();
      span.setAttribute("gen_ai.output.messages", says("assistant", "twelve")).end();
    });

  async function toolCalls(): Promise<void> {
    const tracer = trace.getTracer("client");
    for (const [index, column] of ACME.columns.entries()) {
      const query = JSON.stringify({ query: `SELECT ${column} FROM drivers WHERE year = 1995` });
      const attributes = { "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "run_sql", "gen_ai.tool.call.arguments": query };
      const span = tracer.startSpan("execute_tool run_sql", { attributes });
      if (index === 0) span.setStatus({ code: 2, message: `no such column: ${column}` });
      else span.setAttribute("gen_ai.tool.call.result", "12 rows");
      span.end();
      // Spans begin on a millisecond, and what came first is told by it.
      await sleep(5);
    }
  }

  test.each<[string, string | undefined, (agent: AgentLearn) => Promise<unknown>]>([
    ["by learn.trace", undefined, (agent) => agent.trace((_task: string) => toolCalls(), { name: "desk", tenant: "acme" })(TASK)],
    ["by withKnowledge", undefined, (agent) => agent.withKnowledge(TASK, () => agentSpan(toolCalls), { tenant: "acme" })],
    [
      "by getKnowledge in a span",
      undefined,
      (agent) =>
        agentSpan(async () => {
          await agent.getKnowledge(TASK, { tenant: "acme" });
          await toolCalls();
        }),
    ],
    ["by the setting of its span processor", "acme", () => agentSpan(toolCalls)],
  ])("keeps what it teaches with the tenant that is named %s", async (_how, tenant, run) => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const processor = new AgentLearnSpanProcessor({ store: store(), ...(tenant === undefined ? {} : { tenant }) });
    trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [processor] }));
    await run(anAgent());
    await processor.shutdown();
    const items = await learnt();
    expect(items.map((item) => item.tenant)).toEqual(["acme"]);
    expect(await anAgent().getKnowledge(TASK, { tenant: "beta" })).toBe("");
    expect(await anAgent().getKnowledge(TASK, { tenant: "acme" })).toContain("driver");
  });
});
