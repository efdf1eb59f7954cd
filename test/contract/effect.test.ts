import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startCollector } from "../../collector/main.ts";
import { AgentLearn } from "../../src/index.ts";
import { openStore } from "../../src/store/open.ts";
import type { Store } from "../../src/store/ports.ts";
import { aLesson } from "./store/factories.ts";

const folder = mkdtempSync(join(tmpdir(), "agentlearn-effect-"));
const url = `file:${join(folder, "runs.db")}`;
const RUNS = 240;
const TASK = "weigh parcel number";
let learn: AgentLearn;
let store: Store;
const ids = { harmful: "", idle: "", pinned: "" };

/** A command line of its own process, and the document it prints. */
async function cli<Document>(...words: string[]): Promise<Document> {
  const main = join(import.meta.dirname, "../../dist/src/cli/main.js");
  const { stdout } = await promisify(execFile)(process.execPath, [main, ...words, "--json", "--store", url], { timeout: 60_000 });
  return JSON.parse(stdout) as Document;
}

/** Fails whenever it is told to use pounds; every tenth time it fails anyway. */
const agent = (task: string, { knowledge }: { knowledge: string }): string => {
  if (knowledge.includes("pounds") || task.endsWith("7")) throw new Error("the scale refused the unit");
  return "12 kg";
};

async function anItem(content: string): Promise<string> {
  const { item } = await store.propose(aLesson({ content, appliesWhen: "weigh parcel number", taint: ["model"] }), "learner");
  await learn.knowledge.approve(item.id, { reason: "tried by hand" });
  return item.id;
}

beforeAll(async () => {
  learn = new AgentLearn({ store: url, agentName: "scale", withholdProbability: 0.3, controlShare: 0.2 });
  store = await openStore({ url, name: "test", ingest: "on-demand" });
  ids.harmful = await anItem("Weigh parcels in pounds, whatever the parcel number.");
  ids.idle = await anItem("Say the number of the parcel when you weigh it.");
  ids.pinned = await anItem("Never lift a parcel by its number label.");
  await learn.knowledge.pin(ids.pinned);
  const traced = learn.trace(agent, { autoInject: true });
  for (let run = 0; run < RUNS; run += 1) await traced(`${TASK} ${run}`).catch(() => undefined);
  await learn.flush();
  await store.drain();
}, 120_000);
afterAll(async () => {
  await learn?.close();
  await store?.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Item {
  readonly itemId: string;
  readonly summary: string;
  readonly effect: {
    readonly verdict: string;
    readonly ratio: { readonly mismatch: boolean };
    readonly overall: { readonly given: number; readonly withheld: number; readonly lift?: number };
  };
}

describe("runs recorded with a draw", () => {
  test("tell in the report which item harms, which is not known, and what all of it is worth", async () => {
    const report = await cli<{ schema: string; items: Item[]; warnings: string[]; library: { effect: { verdict: string } } }>("ab-report");
    const of = (id: string) => report.items.find(({ itemId }) => itemId === id) as Item;
    expect(report.schema).toBe("agentlearn.ab-report/v1");
    expect(report.warnings).toEqual([]);
    expect([of(ids.harmful).effect.verdict, report.library.effect.verdict]).toEqual(["harms", "harms"]);
    expect(of(ids.harmful).effect.overall.lift).toBeLessThan(-0.5);
    expect(of(ids.idle).effect.verdict).toBe("undecided");
    expect(of(ids.idle).summary).toMatch(/needs about \d+ more runs|would have shown/);
    expect(of(ids.pinned).summary).toContain("pinned: always given");
  });

  test("are counted without the control group, whose share is near what was asked for", async () => {
    const library = await store.controlledRuns({});
    const control = library.filter((run) => run.control).length;
    expect(library).toHaveLength(RUNS);
    expect(Math.abs(control / RUNS - 0.2)).toBeLessThan(0.1);
    const shown = await cli<{ effect: Item["effect"] }>("knowledge", "show", ids.harmful);
    expect(shown.effect.overall.given + shown.effect.overall.withheld).toBe(RUNS - control);
  });

  test("blame the item with evidence of harm first, by newness never", async () => {
    const run = (await store.listTraces({ status: "failure", limit: 500 })).find(({ task }) => !task.endsWith("7"));
    const blamed = await cli<{ conclusion: string; suspects: { itemId: string; verdict: string }[] }>("traces", "blame", run?.id ?? "");
    expect(blamed.suspects[0]).toMatchObject({ itemId: ids.harmful, verdict: "harms" });
    expect(blamed.conclusion).toContain(ids.harmful.slice(0, 8));
  });

  test("find the culprit by replay, with each item left out in turn", async () => {
    const run = (await store.listTraces({ status: "failure", limit: 500 })).find(({ task }) => !task.endsWith("7"));
    await learn.eval.add({ taskInput: run?.task ?? "", expectedOutput: "12 kg" });
    learn.setAgentRunner((task, knowledge) => agent(task, { knowledge }));
    const { suspects, conclusion } = await learn.blame(run?.id ?? "", { replay: true, replicates: 12 });
    expect(suspects[0]).toMatchObject({ itemId: ids.harmful, replay: { passedWith: 0, passedWithout: 1, decisive: true } });
    expect(suspects.slice(1).every(({ replay }) => replay?.decisive === false)).toBe(true);
    expect(conclusion).toContain("shown by replay");
  });

  test("a replay from the command line runs the agent that is named", async () => {
    const run = (await store.listTraces({ status: "failure", limit: 500 })).find(({ task }) => !task.endsWith("7"));
    const file = join(folder, "agent.mjs");
    writeFileSync(file, 'export const run = (task, knowledge) => (knowledge.includes("pounds") ? "26 lb" : "12 kg");');
    const words = ["traces", "blame", run?.id ?? "", "--replay", "--agent", `${file}:run`];
    const blamed = await cli<{ suspects: { replay: { pairs: number; passedWith: number } }[] }>(...words);
    expect(blamed.suspects[0]?.replay).toMatchObject({ pairs: 8, passedWith: 0 });
  });

  test("a replay without a way to score says what is missing", async () => {
    const run = (await store.listTraces({ status: "success", limit: 1 }))[0];
    await expect(learn.blame(run?.id ?? "", { replay: true })).rejects.toMatchObject({
      code: "invalid",
      hint: expect.stringContaining("eval case"),
    });
  });

  // Last: it changes the items.
  test("retire the harmful item with its reason, also when there is nothing new to mine, and keep the others", async () => {
    await learn.learn();
    const { item, history } = await learn.knowledge.show(ids.harmful);
    expect(item.status).toBe("deprecated");
    expect(history.at(-1)).toMatchObject({
      actor: "learner",
      action: "deprecate",
      reason: expect.stringMatching(/^it harms with .* lift -\d/),
    });
    expect((await learn.knowledge.show(ids.idle)).item.status).toBe("active");
    expect((await learn.learn()).deprecated).toEqual([]);
  });

  test("are what a collector's API tells", async () => {
    await learn.close();
    await store.close();
    const collector = await startCollector({ store: url, otlpHttpPort: 0, otlpGrpcPort: 0, apiPort: 0 });
    try {
      const read = async <Body>(path: string) => (await (await fetch(`${collector.apiUrl}/api/v1/${path}`)).json()) as Body;
      const report = await read<{ items: Item[] }>("ab-report");
      expect(report.items.map(({ itemId }) => itemId)).toContain(ids.harmful);
      expect((await read<Item>(`items/${ids.harmful}/effect`)).effect.verdict).toBe("harms");
    } finally {
      await collector.close();
    }
  });
});
