import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { startCollector } from "../../collector/main.ts";
import { uniformOf } from "../../src/base/id.ts";
import { AgentLearn, createCanaryInjector, createSmartInjector, type Injector, recallKnowledgeTool } from "../../src/index.ts";
import { openLibsqlDriver } from "../../src/store/driver-libsql.ts";
import { openStore } from "../../src/store/open.ts";
import type { Trace } from "../../src/trace/trace.ts";
import { anActiveItem, anItem } from "../support/an-item.ts";
import { seedItems } from "../support/seed-items.ts";
import { createWordModel } from "../support/word-model.ts";

const folder = mkdtempSync(join(tmpdir(), "agentlearn-injector-"));
let stores = 0;
const newPath = (): string => join(folder, `${++stores}.db`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const AMBER = anActiveItem({
  id: "aaaaaaaa-0000-4000-8000-000000000001",
  content: "amber flags slow all cars",
  appliesWhen: "racing flags",
});
const BIRCH = anActiveItem({
  id: "bbbbbbbb-0000-4000-8000-000000000002",
  content: "birch flags do not exist",
  appliesWhen: "racing flags",
});
const UNTESTED = anItem({ id: "cccccccc-0000-4000-8000-000000000003", content: "cedar flags are rare", appliesWhen: "racing flags" });

async function runsOf(path: string): Promise<readonly Trace[]> {
  const store = await openStore({ url: `file:${path}`, name: "test", mode: "share" });
  try {
    await store.drain();
    return await Promise.all((await store.listTraces({ limit: 200 })).map(({ id }) => store.getTrace(id)));
  } finally {
    await store.close();
  }
}

async function exposureRows(path: string): Promise<readonly unknown[]> {
  const driver = openLibsqlDriver({ path });
  const rows = await driver.all("SELECT item_id, arm, round(probability, 6) AS probability FROM exposure ORDER BY item_id, arm");
  await driver.close();
  return rows.map((row) => [row["item_id"], row["arm"], row["probability"]]);
}

describe("an agent with the hybrid injector", () => {
  test("reads what it recalls, and only that counts as given on the run; the draw was the listing", async () => {
    const path = newPath();
    await seedItems(`file:${path}`, [AMBER, BIRCH]);
    const learn = new AgentLearn({ store: `file:${path}`, injector: "hybrid", withholdProbability: 0 });
    const answers: string[] = [];
    const agent = learn.trace(
      async (_task: string, { knowledge }: { knowledge: string }) => {
        answers.push(knowledge);
        for (const id of ["aaaaaaaa", "dddddddd", "b", ""]) answers.push(await learn.recallKnowledge(id));
        return "done";
      },
      { autoInject: true },
    );
    await agent("racing flags?");
    await learn.close();
    const [index, amber, ...refused] = answers;
    expect(index).toBe(
      [
        "=== KNOWLEDGE INDEX (read one with recall_knowledge and its id before you need it) ===",
        "[SKILL] aaaaaaaa (new) when: racing flags",
        "[SKILL] bbbbbbbb (new) when: racing flags",
        "=== END KNOWLEDGE INDEX ===",
      ].join("\n"),
    );
    expect(amber).toContain("amber flags slow all cars");
    expect(new Set(refused)).toEqual(new Set(["No knowledge with this id is listed for this task."]));
    const [run] = await runsOf(path);
    expect([run?.exposure?.given, run?.exposure?.listed]).toEqual([[AMBER.id], [BIRCH.id]]);
    // Effects compare what was listed with what was not: reading is the agent's choice.
    expect(await exposureRows(path)).toEqual([
      [AMBER.id, "given", 0],
      [BIRCH.id, "given", 0],
    ]);
  });

  test("cannot recall what was withheld from its run, nor what another run was listed", async () => {
    const path = newPath();
    await seedItems(`file:${path}`, [AMBER, BIRCH]);
    const learn = new AgentLearn({ store: `file:${path}`, injector: "hybrid", withholdProbability: 0.5 });
    const isListed = (conversation: string, id: string) => uniformOf(`${conversation}:${id}`) >= 0.5;
    const conversations = Array.from({ length: 20 }, (_, index) => `conversation-${index}`);
    const seen = await Promise.all(
      conversations.map((conversationId) =>
        learn.withKnowledge(
          "racing flags?",
          async () => [
            (await learn.recallKnowledge("aaaaaaaa")).includes("amber"),
            (await learn.recallKnowledge("bbbbbbbb")).includes("birch"),
          ],
          { conversationId },
        ),
      ),
    );
    await learn.close();
    expect(seen).toEqual(conversations.map((conversation) => [isListed(conversation, AMBER.id), isListed(conversation, BIRCH.id)]));
    expect(await learn.recallKnowledge("aaaaaaaa")).not.toContain("amber");
  });

  test("offers a tool as OpenAI-compatible servers take it", () => {
    const { type, function: tool } = recallKnowledgeTool;
    expect([type, tool.name, tool.parameters["required"], tool.parameters["additionalProperties"]]).toEqual([
      "function",
      "recall_knowledge",
      ["id"],
      false,
    ]);
  });

  test("does so as well from the knowledge of a collector", async () => {
    const path = newPath();
    await seedItems(`file:${path}`, [AMBER, BIRCH]);
    const collector = await startCollector({
      store: `file:${path}`,
      otlpHttpPort: 0,
      otlpGrpcPort: 0,
      apiPort: 0,
    });
    const learn = new AgentLearn({ endpoint: collector.otlpHttpUrl, apiUrl: collector.apiUrl, injector: "hybrid", withholdProbability: 0 });
    try {
      const recalled = await learn.withKnowledge("racing flags?", async ({ text, listed }) => [
        text.includes("KNOWLEDGE INDEX"),
        listed?.map(({ id }) => id),
        await learn.recallKnowledge("bbbbbbbb"),
      ]);
      expect(recalled).toEqual([true, [AMBER.id, BIRCH.id], expect.stringContaining("birch flags do not exist")]);
    } finally {
      await learn.close();
      await collector.close();
    }
  });
});

describe("an agent with the canary injector", () => {
  test("tries what a person put there in its share, and stores both sides with their probability", async () => {
    const path = newPath();
    await seedItems(`file:${path}`, [AMBER, UNTESTED]);
    const learn = new AgentLearn({ store: `file:${path}`, injector: createCanaryInjector({ share: 0.25 }), withholdProbability: 0 });
    const agent = learn.trace(async (_task: string, { knowledge }: { knowledge: string }) => knowledge, {
      autoInject: true,
      conversationIdExtractor: (task) => task,
    });
    expect(await agent("flags before")).not.toContain("cedar");
    await learn.knowledge.canary("cccccccc", { reason: "worth a try" });
    const tasks = Array.from({ length: 40 }, (_, index) => `racing flags ${index}`);
    const texts = await Promise.all(tasks.map((task) => agent(task)));
    const isMember = (task: string) => uniformOf(`${task}:canary`) < 0.25;
    expect(texts.map((text) => text.includes("cedar"))).toEqual(tasks.map(isMember));
    await learn.knowledge.endCanary("cccccccc");
    expect(await agent(tasks.find(isMember) ?? "")).not.toContain("cedar");
    await learn.close();
    const members = tasks.filter(isMember).length;
    const runs = await runsOf(path);
    expect(runs.filter(({ exposure }) => exposure?.canary?.member === true)).toHaveLength(members);
    const rows = (await exposureRows(path)).filter((row) => (row as string[])[0] === UNTESTED.id);
    expect(rows).toEqual([
      ...Array.from({ length: members }, () => [UNTESTED.id, "given", 0.75]),
      ...Array.from({ length: 40 - members }, () => [UNTESTED.id, "withheld", 0.75]),
    ]);
  });

  test("by its name too, and by no other name does anything untested come in", async () => {
    const path = newPath();
    await seedItems(`file:${path}`, [UNTESTED]);
    const seen: boolean[] = [];
    for (const injector of ["smart", "simple", "hybrid", "embedding", "canary"] as const) {
      const learn = new AgentLearn({ store: `file:${path}`, injector, canaryShare: 0.999_999, embedding: createWordModel() });
      if (injector === "smart") await learn.knowledge.canary("cccccccc", { reason: "worth a try" });
      seen.push((await learn.getKnowledge("racing flags?")).includes("cedar"));
      await learn.close();
    }
    expect(seen).toEqual([false, false, false, false, true]);
  });
});

describe("an injector of one's own", () => {
  test("is asked in the place of those that ship", async () => {
    const path = newPath();
    await seedItems(`file:${path}`, [AMBER, BIRCH]);
    const base = createSmartInjector({ maxItems: 1 });
    const own: Injector = { name: "mine", inject: (request, sources) => base.inject({ ...request, task: "birch" }, sources) };
    const learn = new AgentLearn({ store: `file:${path}`, injector: own, withholdProbability: 0 });
    expect(await learn.getKnowledge("amber")).toContain("birch flags");
    await learn.close();
  });
});

describe("an agent with the embedding injector", () => {
  test("finds by meaning with the table that ships, where no word is shared", async () => {
    const path = newPath();
    const booking = anActiveItem({
      id: "booking",
      content: "ask for the passenger name before calling book_flight",
      appliesWhen: "travel bookings",
    });
    await seedItems(`file:${path}`, [booking, AMBER]);
    const learn = new AgentLearn({ store: `file:${path}`, injector: "embedding", withholdProbability: 0 });
    const found = await learn.withKnowledge("reserve seats on airplanes", ({ items }) => items.map(({ id }) => id));
    await learn.close();
    expect(found).toEqual(["booking"]);
  });
});
