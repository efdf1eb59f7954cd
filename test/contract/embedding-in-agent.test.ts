import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test, vi } from "vitest";
import { startCollector } from "../../collector/main.ts";
import { AgentLearn, createFunctionModel } from "../../src/index.ts";
import { openLibsqlDriver } from "../../src/store/driver-libsql.ts";
import { anActiveItem } from "../support/an-item.ts";
import { seedItems } from "../support/seed-items.ts";

const folder = mkdtempSync(join(tmpdir(), "agentlearn-embedding-"));
let stores = 0;
const newPath = (): string => join(folder, `${++stores}.db`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const RULE = anActiveItem({
  id: "aaaaaaaa-0000-4000-8000-000000000001",
  content: "Convert prices to euro before you add them",
  appliesWhen: "totalling invoices",
});
const OTHER = anActiveItem({
  id: "bbbbbbbb-0000-4000-8000-000000000002",
  content: "Write the branch name in lower case",
  appliesWhen: "creating a branch",
});
// No word of it stands in the rule: only the vectors can tell that they belong together.
const TASK = "sum up what these bills cost";

/** Knows money from everything else. */
function moneyModel() {
  const about = (text: string): readonly number[] => (/price|invoice|bill|cost/i.test(text) ? [1, 0] : [0, 1]);
  return createFunctionModel({ id: "money-1", dimensions: 2, embed: (texts) => texts.map(about) });
}

describe("a model that code passes", () => {
  test("finds what shares no word with the task, and what it made of items is stored under its name", async () => {
    const path = newPath();
    await seedItems(`file:${path}`, [RULE, OTHER]);
    const learn = new AgentLearn({ store: `file:${path}`, embedding: moneyModel(), withholdProbability: 0 });
    await vi.waitFor(async () => expect(await learn.getKnowledge(TASK)).toContain("euro"), { timeout: 10_000 });
    expect(await learn.getKnowledge(TASK)).not.toContain("branch");
    await learn.close();
    const driver = openLibsqlDriver({ path });
    const rows = await driver.all("SELECT DISTINCT item_id FROM item_vector WHERE model_id = 'money-1' ORDER BY item_id");
    await driver.close();
    expect(rows.map((row) => row["item_id"])).toEqual([RULE.id, OTHER.id]);
  });

  test("does so in a process that knows a collector only", async () => {
    const path = newPath();
    await seedItems(`file:${path}`, [RULE, OTHER]);
    const collector = await startCollector({ store: `file:${path}`, otlpHttpPort: 0, otlpGrpcPort: 0, apiPort: 0 });
    const learn = new AgentLearn({
      endpoint: collector.otlpHttpUrl,
      apiUrl: collector.apiUrl,
      embedding: moneyModel(),
      withholdProbability: 0,
    });
    try {
      await vi.waitFor(async () => expect(await learn.getKnowledge(TASK)).toContain("euro"), { timeout: 10_000 });
    } finally {
      await learn.close();
      await collector.close();
    }
  });
});

test("the table of the package finds what shares no word with the task, without a model or a network", async () => {
  const path = newPath();
  const rule = anActiveItem({
    id: "cccccccc-0000-4000-8000-000000000003",
    content: "Reimburse the buyer in full",
    appliesWhen: "a refund",
  });
  await seedItems(`file:${path}`, [rule, OTHER]);
  const learn = new AgentLearn({ store: `file:${path}`, withholdProbability: 0 });
  await vi.waitFor(async () => expect(await learn.getKnowledge("give customers their money back")).toContain("Reimburse"), {
    timeout: 10_000,
  });
  expect(await learn.getKnowledge("the weather on Mars tomorrow")).toBe("");
  await learn.close();
});
