import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { defaultTextMapSetter, ROOT_CONTEXT } from "@opentelemetry/api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createKnowledgeClient } from "../../src/agent/knowledge-client.ts";
import { createFunctionTracer } from "../../src/agent/trace-function.ts";
import { uniformOf } from "../../src/base/id.ts";
import { mapLimited } from "../../src/base/map-limited.ts";
import { injectionFrom } from "../../src/compose/injection-from.ts";
import { acquireRuntime } from "../../src/compose/runtime.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import { AgentLearnPropagator } from "../../src/index.ts";
import { openStore } from "../../src/store/open.ts";
import type { Trace } from "../../src/trace/trace.ts";
import { anActiveItem } from "../support/an-item.ts";
import { seedItems } from "../support/seed-items.ts";
import { seededRandom } from "../support/seeded-random.ts";

const RUNS = 1_000;
/** In flight at any time. */
const AT_ONCE = 100;
const WITHHOLD = 0.5;
const folder = mkdtempSync(join(tmpdir(), "agentlearn-concurrent-"));
const url = `file:${join(folder, "runs.db")}`;
const WORDS = ["amber", "birch", "cedar", "dahlia", "elder", "fennel"];
const ITEMS = WORDS.map((word, index) => anActiveItem({ id: `item-${index}`, content: `${word} first`, appliesWhen: "a racing question" }));

/** Seven tenants take turns. */
const tenantOf = (run: number): string => `tenant-${run % 7}`;

/** What the draw gives a conversation, computed without any of the machinery. */
const givenTo = (seed: string): readonly string[] => ITEMS.map(({ id }) => id).filter((id) => uniformOf(`${seed}:${id}`) >= WITHHOLD);
const wordsOf = (text: string): readonly string[] => ITEMS.filter(({ content }) => text.includes(content)).map(({ id }) => id);
const kindOf = (run: number): number => run % 4;
const conversationOf = (run: number): string => `conversation-${run}`;
const runIn = (task: string): number => Number(/\d+/.exec(task)?.[0]);

describe("1,000 runs at once in one process", () => {
  const problems: string[] = [];
  let stored: readonly Trace[] = [];

  beforeAll(async () => {
    await seedItems(url, ITEMS);
    // What AgentLearn is made of, but for the time it gives a call: a slow machine must not look like a mixed-up run.
    const runtime = acquireRuntime({ store: url }, { name: "test", ingest: "on-demand" });
    const source = injectionFrom(
      { search: runtime.store, library: runtime.store },
      loadConfig({ code: { withholdProbability: WITHHOLD }, env: {} }),
    );
    const learn = createKnowledgeClient({ source, timeoutMs: 60_000 });
    const tracer = createFunctionTracer({ sink: runtime.sink, getKnowledge: (task) => learn.getKnowledge(task) });
    const propagator = new AgentLearnPropagator({ baggage: "on" });
    const random = seededRandom(7);
    const pauses = Array.from({ length: RUNS * 4 }, () => Math.floor(random() * 8));
    let pause = 0;
    const later = () => wait(pauses[pause++ % pauses.length]);
    const check = (run: number, what: string, seen: unknown, right: unknown) => {
      if (JSON.stringify(seen) !== JSON.stringify(right))
        problems.push(`run ${run}, ${what}: ${JSON.stringify(seen)}, not ${JSON.stringify(right)}`);
    };
    /** What an agent can see of its run: the text, what goes out to others, and the same again after a while. */
    async function look(run: number, knowledge: string, task: string): Promise<void> {
      check(run, "text", wordsOf(knowledge), givenTo(conversationOf(run)));
      for (let time = 0; time < 2; time += 1) {
        await later();
        const carrier: Record<string, string> = {};
        propagator.inject(ROOT_CONTEXT, carrier, defaultTextMapSetter);
        check(run, "baggage", /agentlearn\.seed=([^,]*)/.exec(carrier["baggage"] ?? "")?.[1], conversationOf(run));
        check(run, "asked again", wordsOf(await learn.getKnowledge(task)), givenTo(conversationOf(run)));
      }
      if (run % 10 === 0) throw new Error(`run ${run} fails`);
    }
    const conversationIdExtractor = (task: string) => conversationOf(runIn(task));
    const tenantExtractor = (task: string) => tenantOf(runIn(task));
    const injected = tracer.wrapInjected(
      async (task: string, { knowledge }: { knowledge: string }) => {
        await look(runIn(task), knowledge, task);
        return "done";
      },
      { name: "injected", conversationIdExtractor, tenantExtractor },
    );
    const plain = tracer.wrap(
      async (task: string) => {
        await look(runIn(task), await learn.getKnowledge(task), task);
        return "done";
      },
      { name: "plain", conversationIdExtractor, tenantExtractor },
    );
    const nested = tracer.wrap(
      async (task: string) => {
        await later();
        return injected(task);
      },
      { name: "outer" },
    );
    const within = (task: string) =>
      learn.withKnowledge(
        task,
        async ({ text }) => {
          check(runIn(task), "withKnowledge", wordsOf(text), givenTo(conversationOf(runIn(task))));
          await later();
          return learn.withKnowledge(task, () => plain(task));
        },
        { conversationId: conversationOf(runIn(task)) },
      );
    const kinds = [injected, plain, nested, within];
    const failed = await mapLimited(
      Array.from({ length: RUNS }, (_, run) => run),
      AT_ONCE,
      async (run) => {
        await later();
        const kind = kinds[kindOf(run)] ?? injected;
        return kind(`racing question ${run}`).then(
          () => false,
          () => true,
        );
      },
    );
    check(-1, "failures", failed.filter(Boolean).length, RUNS / 10);
    await runtime.release(60_000);
    const store = await openStore({ url, name: "test", mode: "share" });
    await store.drain();
    const list = await store.listTraces({ limit: 5_000 });
    stored = await mapLimited(list, 8, ({ id }) => store.getTrace(id));
    await store.close();
  }, 120_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("each sees its own knowledge and sends its own draw, before and after timers", () => {
    expect(problems.slice(0, 5)).toEqual([]);
  });

  test("each is stored once, failed ones too, with its own draw and no other", () => {
    expect(stored).toHaveLength(RUNS);
    const wrong = stored.filter(({ task, exposure }) => {
      const given = givenTo(conversationOf(runIn(task)));
      const withheld = ITEMS.map(({ id }) => id).filter((id) => !given.includes(id));
      return (
        JSON.stringify([...(exposure?.given ?? [])].sort()) !== JSON.stringify(given) ||
        JSON.stringify([...(exposure?.withheld ?? [])].sort()) !== JSON.stringify(withheld)
      );
    });
    expect(wrong.map(({ task, exposure }) => [task, exposure])).toEqual([]);
    expect(stored.filter(({ error }) => error !== undefined)).toHaveLength(RUNS / 10);
    expect(stored.filter(({ task, tenant }) => tenant !== tenantOf(runIn(task)))).toEqual([]);
  });
});
