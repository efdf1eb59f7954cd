import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { context, propagation, ROOT_CONTEXT } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { type Collector, startCollector } from "../../collector/main.ts";
import { AgentLearn, type AgentLearnOptions } from "../../src/compose/agent-learn.ts";
import { appliesTo, type KnowledgeItem, type Scope } from "../../src/knowledge/knowledge-item.ts";
import { anActiveItem } from "../support/an-item.ts";
import { seedItems } from "../support/seed-items.ts";

const WORDS = ["amber", "birch", "cedar", "daisy", "elder", "fennel", "ginger", "hazel"];
const SCOPES: readonly Scope[] = [
  {},
  { agentName: "biller" },
  { service: "shop" },
  { service: "desk" },
  { model: "small" },
  { model: "large" },
  { tenant: "north" },
  { tenant: "south" },
];
/** Both kinds in every scope: one that the task finds, one that is always given. */
const ITEMS: readonly KnowledgeItem[] = SCOPES.flatMap((scope, index) => {
  const word = WORDS[index] as string;
  return [
    anActiveItem({ ...scope, id: word, content: `${word} ${word} first`, appliesWhen: "a racing question" }),
    anActiveItem({ ...scope, id: `${word}-pin`, content: `always mind ${word}s`, appliesWhen: "", priority: "pinned" }),
  ];
});
const ASKERS: readonly Scope[] = [
  {},
  { tenant: "north" },
  { tenant: "south", service: "shop" },
  { model: "small" },
  { agentName: "clerk", service: "desk", model: "large" },
  { agentName: "biller", service: "shop", model: "small", tenant: "east" },
];

const folder = mkdtempSync(join(tmpdir(), "agentlearn-scope-"));
const store = `file:${join(folder, "scope.db")}`;
let collector: Collector;
let learn: AgentLearn | undefined;

beforeAll(async () => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  await seedItems(store, ITEMS);
  // The collector's own tenant and name are nobody's who asks it.
  const own = { tenant: "north", agentName: "biller", serviceName: "shop", agentModel: "small" };
  collector = await startCollector({ store, otlpHttpPort: 0, otlpGrpcPort: 0, apiPort: 0, withholdProbability: 0, maxItems: 50, ...own });
});
beforeEach(() => {
  for (const name of ["OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"]) vi.stubEnv(name, undefined);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await learn?.close();
  learn = undefined;
});
afterAll(async () => {
  context.disable();
  await collector.close();
  rmSync(folder, { recursive: true, force: true });
});

const givenIn = (text: string): readonly string[] => ITEMS.flatMap(({ id, content }) => (text.includes(content) ? [id] : [])).sort();
const applying = (asking: Scope): readonly string[] => ITEMS.flatMap((item) => (appliesTo(item, asking) ? [item.id] : [])).sort();
const OPTIONS = { withholdProbability: 0, maxItems: 50 };
const throughStore = (options: AgentLearnOptions = {}): AgentLearn => {
  learn = new AgentLearn({ store, ...OPTIONS, ...options });
  return learn;
};
const throughCollector = (options: AgentLearnOptions = {}): AgentLearn => {
  learn = new AgentLearn({ endpoint: collector.otlpHttpUrl, apiUrl: collector.apiUrl, ...OPTIONS, ...options });
  return learn;
};
const settingsOf = ({ agentName, service, model, tenant }: Scope): AgentLearnOptions => ({
  ...(agentName === undefined ? {} : { agentName }),
  ...(service === undefined ? {} : { serviceName: service }),
  ...(model === undefined ? {} : { agentModel: model }),
  ...(tenant === undefined ? {} : { tenant }),
});
const TASK = "a racing question";

describe.each([
  ["its own store", throughStore],
  ["a collector", throughCollector],
])("an agent with %s", (_, open) => {
  test("is given what applies to who each call says asks, and nothing else", async () => {
    const agent = open();
    for (const asking of ASKERS) expect([asking, givenIn(await agent.getKnowledge(TASK, asking))]).toEqual([asking, applying(asking)]);
  });

  test.each(ASKERS)("is given what applies to who its settings say it is: %j", async (asking) => {
    expect(givenIn(await open(settingsOf(asking)).getKnowledge(TASK))).toEqual(applying(asking));
  });

  test("takes its service from OTEL_SERVICE_NAME", async () => {
    vi.stubEnv("OTEL_SERVICE_NAME", "desk");
    expect(givenIn(await open().getKnowledge(TASK))).toEqual(applying({ service: "desk" }));
  });

  test("gives a traced run what applies to it, as its call says", async () => {
    const agent = open({ agentName: "clerk" }).trace(
      (_task: string, _user: { readonly of: string }, { knowledge }: { knowledge: string }) => knowledge,
      { autoInject: true, model: "large", tenantExtractor: (_task, user) => user.of },
    );
    for (const tenant of ["north", "south", "nobody's"])
      expect(givenIn(await agent(TASK, { of: tenant }))).toEqual(applying({ agentName: "clerk", model: "large", tenant }));
  });

  // Whoever calls an agent writes what stands in baggage.
  test("is moved to another tenant by nothing that comes from outside", async () => {
    const agent = open({ tenant: "south" });
    const entries = ["tenant", "agentlearn.tenant", "agentlearn.scope.tenant", "agentlearn.agent", "service.name", "gen_ai.request.model"];
    const draw = {
      "agentlearn.seed": { value: "seed" },
      "agentlearn.arm": { value: "knowledge" },
      "agentlearn.items": { value: "golden~north" },
    };
    const forged = propagation.createBaggage({ ...draw, ...Object.fromEntries(entries.map((key) => [key, { value: "north" }])) });
    await context.with(propagation.setBaggage(ROOT_CONTEXT, forged), async () => {
      expect(givenIn(await agent.getKnowledge(TASK))).toEqual(applying({ tenant: "south" }));
      expect(givenIn(await agent.getKnowledge(TASK, { tenant: "" }))).toEqual(applying({}));
      expect(await agent.withKnowledge(TASK, ({ text }) => givenIn(text), { tenant: "east" })).toEqual(applying({ tenant: "east" }));
    });
  });
});

// Effects are told by the model that stands in a run; an agent whose model calls nobody traces has no other place to say it.
test("a traced run is stored with the service and the model by which it asked, and with what it was given", async () => {
  const own = `file:${join(folder, "own.db")}`;
  await seedItems(own, ITEMS);
  learn = new AgentLearn({ store: own, ...OPTIONS, serviceName: "shop", agentModel: "small" });
  const agent = (_task: string, { knowledge }: { knowledge: string }) => knowledge;
  await learn.trace(agent, { autoInject: true, name: "first" })(TASK);
  await learn.trace(agent, { autoInject: true, name: "second", model: "large" })(TASK);
  await learn.learn();
  const runs = await Promise.all((await learn.traces.list()).map(({ id }) => learn?.traces.show(id)));
  const told = runs.map((run) => [run?.agentName, run?.service, run?.model, [...(run?.exposure?.given ?? [])].sort()]);
  expect(told.sort()).toEqual([
    ["first", "shop", "small", applying({ agentName: "first", service: "shop", model: "small" })],
    ["second", "shop", "large", applying({ agentName: "second", service: "shop", model: "large" })],
  ]);
});

describe("the HTTP API", () => {
  const asked = async (query: Record<string, string>, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${collector.apiUrl}/api/v1/knowledge?${new URLSearchParams({ task: TASK, ...query })}`, { headers });

  test("gives what applies to who the question says asks, whoever the collector itself is", async () => {
    for (const asking of ASKERS) {
      const { agentName, ...rest } = asking;
      const answer = (await (await asked({ ...(agentName === undefined ? {} : { agent: agentName }), ...rest })).json()) as {
        readonly text: string;
        readonly given: readonly { readonly id: string }[];
        readonly withheld: readonly unknown[];
      };
      expect([asking, givenIn(answer.text)]).toEqual([asking, applying(asking)]);
      expect([answer.given.map(({ id }) => id).sort(), answer.withheld]).toEqual([applying(asking), []]);
    }
  });

  test("takes no tenant from headers", async () => {
    const headers = { baggage: "tenant=north,agentlearn.tenant=north", tenant: "north", "x-tenant": "north" };
    expect(givenIn(((await (await asked({}, headers)).json()) as { readonly text: string }).text)).toEqual(applying({}));
  });
});
