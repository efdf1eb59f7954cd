import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test, vi } from "vitest";
import { startCollector } from "../../collector/main.ts";
import { createRemoteKnowledge } from "../../src/agent/remote-knowledge.ts";
import { uniformOf } from "../../src/base/id.ts";
import { AgentLearn } from "../../src/compose/agent-learn.ts";
import type { Limits } from "../../src/injection/assign.ts";
import { createCanaryInjector } from "../../src/injection/canary-injector.ts";
import type { Injection } from "../../src/injection/injection.ts";
import type { InjectionRequest } from "../../src/injection/ports.ts";
import { createSmartInjector } from "../../src/injection/smart-injector.ts";
import { createTrialDesk } from "../../src/injection/trial-desk.ts";
import { withTrials } from "../../src/injection/trial-injector.ts";
import { putIntoCanary } from "../../src/knowledge/canary.ts";
import type { KnowledgeItem } from "../../src/knowledge/knowledge-item.ts";
import { endTrial, startTrial } from "../../src/knowledge/online-trial.ts";
import { openStore } from "../../src/store/open.ts";
import { anActiveItem, anItem, NOW_US } from "../support/an-item.ts";
import { anOnlineSetting } from "../support/an-online-setting.ts";
import { aLibrary } from "./injector/a-library.ts";

const SETTING = anOnlineSetting({ share: 0.3, maxRuns: 10_000 });
const folder = mkdtempSync(join(tmpdir(), "agentlearn-trials-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function tried(
  overrides: Partial<KnowledgeItem> = {},
  limits: Parameters<typeof anOnlineSetting>[0] = { share: 0.3, maxRuns: 10_000 },
): KnowledgeItem {
  const candidate = anItem({ id: "untested", content: "count racing laps from zero", ...overrides });
  const { item } = startTrial(
    candidate,
    { actor: "learner", atUs: NOW_US },
    {
      setting: anOnlineSetting(limits),
      alpha: 0.05,
      position: 1,
      passedBefore: 0,
      minimumGain: 0.05,
      excluded: [],
      noteId: `v-${candidate.id}`,
    },
  );
  return { ...item, version: 1 };
}

const request = (overrides: Partial<InjectionRequest & Limits> = {}): InjectionRequest & Limits => ({
  ...{ task: "who led the racing laps?", seed: "run-1", withholdProbability: 0 },
  ...overrides,
});

/** One process: a copy of the library, a desk, and the smart injector. */
async function aProcess(items: readonly KnowledgeItem[], base = createSmartInjector()) {
  const library = await aLibrary(items);
  const copy = library.vectors as unknown as { trialItems(): Promise<readonly KnowledgeItem[]> };
  const another = () => {
    const desk = createTrialDesk({ setting: SETTING, items: () => copy.trialItems(), rations: library.store });
    const injector = withTrials(base, desk);
    return async (overrides: Partial<InjectionRequest & Limits> = {}): Promise<Injection> => {
      const injection = await injector.inject(request(overrides), library);
      // Between two runs of an agent there is time for what is taken in the background.
      await new Promise((resolve) => setTimeout(resolve, 1));
      return injection;
    };
  };
  return { ...library, ask: another(), another };
}

async function many(
  ask: (overrides: Partial<InjectionRequest & Limits>) => Promise<Injection>,
  count: number,
  overrides: Partial<InjectionRequest & Limits> = {},
) {
  const runs: Injection[] = [];
  for (let run = 0; run < count; run += 1) runs.push(await ask({ seed: `run-${run}`, ...overrides }));
  return runs;
}

describe("items on trial", () => {
  test("are given to their share of the runs, framed as untested, with the probability on all of them", async () => {
    const { ask } = await aProcess([tried(), anActiveItem({ id: "tested", content: "racing times have three decimals" })]);
    const runs = (await many(ask, 600)).filter(({ canary }) => canary !== undefined);
    const members = runs.filter(({ canary }) => canary?.member === true);
    expect(new Set(runs.map(({ canary }) => canary?.share))).toEqual(new Set([0.3]));
    // Four standard deviations.
    expect(Math.abs(members.length / runs.length - 0.3)).toBeLessThan(4 * Math.sqrt(0.21 / runs.length));
    expect(runs.length).toBeGreaterThan(500);
    expect(runs.every(({ canary, text }) => text.includes("from zero") === canary?.member)).toBe(true);
    expect(members[0]?.text.split("\n\n").at(-1)).toMatch(/^=== TRIAL KNOWLEDGE \(not tested yet/);
    expect(new Set(runs.map(({ text }) => text.split("\n\n=== TRIAL")[0])).size).toBe(1);
  });

  test("keep a conversation on its side and in its trial, whatever it asks", async () => {
    const { ask } = await aProcess([tried(), tried({ id: "second", content: "racing flags are listed by colour" })]);
    await many(ask, 20);
    for (let conversation = 0; conversation < 20; conversation += 1) {
      const answers = await many(ask, 4, { seed: `conversation-${conversation}` });
      expect(new Set(answers.map(({ canary }) => `${canary?.item.id} ${canary?.member}`)).size).toBe(1);
    }
  });

  test("stay with their runs when another trial ends", async () => {
    const [first, second] = [tried(), tried({ id: "second", content: "racing flags are listed by colour" })];
    const both = await aProcess([first, second]);
    const alone = await aProcess([first]);
    await many(both.ask, 20);
    await many(alone.ask, 20);
    for (let run = 0; run < 40; run += 1) {
      const seed = `seed-${run}`;
      const [before, after] = [await both.ask({ seed }), await alone.ask({ seed })];
      if (before.canary?.item.id === first.id) expect(after.canary).toMatchObject({ member: before.canary.member });
    }
  });

  test("are never in more answers than they may be, over all processes", async () => {
    const { another } = await aProcess([tried({}, { share: 0.3, maxRuns: 25 })]);
    const processes = [another(), another(), another()];
    const all = (
      await Promise.all(processes.map((ask, index) => many((more) => ask({ ...more, seed: `${index}-${more.seed}` }), 150)))
    ).flat();
    const given = all.filter(({ text }) => text.includes("from zero")).length;
    expect([given > 15, given <= 25]).toEqual([true, true]);
    // Who may give none is not drawn either: a run that could only be withheld says nothing.
    expect(all.slice(-10).every(({ canary }) => canary === undefined)).toBe(true);
  });

  test.each([
    ["no run may be given it any more", async () => 0],
    ["nobody can be asked", async () => Promise.reject(new Error("down"))],
  ])("are in no answer where %s", async (_why, takeTrialRuns) => {
    const desk = createTrialDesk({ setting: SETTING, items: async () => [tried()], rations: { takeTrialRuns } });
    const sources = await aLibrary([]);
    const injector = withTrials(createSmartInjector(), desk);
    for (let run = 0; run < 30; run += 1) expect((await injector.inject(request({ seed: `run-${run}` }), sources)).canary).toBeUndefined();
  });

  test.each([
    ["its words changed since", { ...tried(), content: "count racing laps from one" }],
    [
      "its trial ended",
      { ...tried(), validation: { ...tried().validation, online: { ...tried().validation?.online, endedAtUs: NOW_US } } } as KnowledgeItem,
    ],
    ["the note is about another item", { ...tried(), id: "other" }],
    ["the note asks for more than half of the runs", tried({}, { share: 0.9, maxRuns: 10 })],
    ["it is a candidate and nothing more", anItem({ content: "count racing laps from zero" })],
  ])("are not those where %s", async (_why, item) => {
    const desk = createTrialDesk({
      setting: SETTING,
      items: async () => [item],
      rations: { takeTrialRuns: async (_seed, count) => count },
    });
    expect(await desk.trials({})).toEqual([]);
  });

  test("leave a control run alone, and count that into the probability", async () => {
    const { ask } = await aProcess([tried()]);
    const runs = (await many(ask, 100, { controlShare: 0.4 })).filter(({ canary }) => canary !== undefined);
    const control = runs.filter(({ arm }) => arm === "control");
    expect([control.length > 0, control.every(({ text, canary }) => text === "" && canary?.member === false)]).toEqual([true, true]);
    expect(runs[0]?.canary?.share).toBeCloseTo(0.18, 12);
  });

  test("share the runs with what a person put into canary, and never stand beside it", async () => {
    const by = { actor: "cli:ada", atUs: NOW_US, reason: "worth a try", validationId: "note" };
    const canary = { ...putIntoCanary(anItem({ id: "canary", content: "racing flags are listed by colour" }), by).item, version: 1 };
    const { ask } = await aProcess([tried(), canary], createCanaryInjector({ share: 0.5 }));
    const runs = await many(ask, 120);
    expect(runs.some(({ text }) => text.includes("from zero") && text.includes("by colour"))).toBe(false);
    expect(new Set(runs.flatMap((run) => run.canary?.item.id ?? []))).toEqual(new Set(["untested", "canary"]));
    for (const seed of ["a", "b", "c", "d"]) expect(new Set((await many(ask, 3, { seed })).map((run) => run.canary?.item.id)).size).toBe(1);
  });
});

describe("a collector", () => {
  async function aCollector(name: string, online: "on" | "off", learnEveryMs = 3_600_000) {
    const url = `file:${join(folder, `${name}.db`)}`;
    const store = await openStore({ url, name: "seed", mode: "own", ingest: "on-demand" });
    const item = tried({ agentName: "racer" }, { share: 0.5, maxRuns: 40 });
    const entry = { itemId: item.id, version: 1, atUs: NOW_US, actor: "test", action: "trial" as const, changes: {} };
    await store.saveItem(item, entry);
    await store.close();
    const ports = { otlpHttpPort: 0, otlpGrpcPort: 0, apiPort: 0 };
    const collector = await startCollector({ store: url, online, learnEveryMs, ...ports });
    return { collector, item, remote: createRemoteKnowledge({ apiUrl: collector.apiUrl }) };
  }

  test("tells processes elsewhere of trials and hands out their answers, where its setting is on", async () => {
    const { collector, item, remote } = await aCollector("on", "on");
    const changed = (await remote.knowledgeChanges(0, 100)).changes.find(({ id }) => id === item.id);
    expect(changed?.trial).toMatchObject({
      id: item.id,
      status: "candidate",
      content: item.content,
      validation: { online: { share: 0.5 } },
    });
    expect([await remote.takeTrialRuns(`v-${item.id}`, 30), await remote.takeTrialRuns(`v-${item.id}`, 30)]).toEqual([30, 10]);
    await expect(remote.takeTrialRuns(`v-${item.id}`, 1_000)).rejects.toMatchObject({ code: "invalid" });
    await collector.close();
  });

  test("draws for who asks it over HTTP, and stops when the trial ends", async () => {
    const { collector, item } = await aCollector("http", "on");
    const ask = async (seed: number) => {
      const traceId = seed.toString(16).padStart(32, "0");
      return (await (await fetch(`${collector.apiUrl}/api/v1/knowledge?task=laps&agent=racer&traceId=${traceId}`)).json()) as {
        readonly text: string;
        readonly canary?: { readonly member: boolean; readonly share: number };
      };
    };
    await vi.waitFor(async () => expect((await ask(1)).canary?.share).toBe(0.5));
    const answers: boolean[] = [];
    for (let seed = 2; seed < 30; seed += 1) {
      const { text, canary } = await ask(seed);
      if (canary !== undefined) expect(text.includes("from zero")).toBe(canary.member);
      answers.push(canary?.member === true);
    }
    expect(new Set(answers)).toEqual(new Set([true, false]));
    const ended = endTrial(await collector.store.getKnowledgeItem(item.id), { actor: "cli:ada", atUs: NOW_US, reason: "enough" });
    await collector.store.saveItem(ended.item, ended.entry);
    await vi.waitFor(async () => expect((await ask(3)).canary).toBeUndefined(), { timeout: 3_000 });
    await collector.close();
  });

  test("ends what goes on where its setting is off", async () => {
    const { collector, item } = await aCollector("ends", "off", 1_000);
    await vi.waitFor(async () => expect((await collector.store.getKnowledgeItem(item.id)).validation).toBeUndefined(), { timeout: 5_000 });
    expect((await collector.store.historyOf(item.id)).at(-1)).toMatchObject({
      action: "trial-end",
      actor: "learner",
      reason: "online validation is switched off",
    });
    await collector.close();
  });

  test("says nothing of them, and hands out nothing, where its setting is off", async () => {
    const { collector, item, remote } = await aCollector("off", "off");
    expect((await remote.knowledgeChanges(0, 100)).changes.find(({ id }) => id === item.id)).not.toHaveProperty("trial");
    expect(await remote.takeTrialRuns(`v-${item.id}`, 1)).toBe(0);
    const answer = await (await fetch(`${collector.apiUrl}/api/v1/knowledge?task=laps&agent=racer`)).json();
    expect(answer).toMatchObject({ text: "" });
    expect(answer).not.toHaveProperty("canary");
    await collector.close();
  });
});

describe("an agent that opens the store itself", () => {
  async function asked(name: string, online: "on" | "off"): Promise<readonly string[]> {
    const store = `file:${join(folder, `${name}.db`)}`;
    const seeding = await openStore({ url: store, name: "seed", mode: "own", ingest: "on-demand" });
    const item = tried({ agentName: "racer" }, { share: 0.5, maxRuns: 40 });
    await seeding.saveItem(item, { itemId: item.id, version: 1, atUs: NOW_US, actor: "test", action: "trial", changes: {} });
    await seeding.close();
    const learn = new AgentLearn({ store, online, agentName: "racer" });
    const texts: string[] = [];
    for (let run = 0; run < 30; run += 1) texts.push(await learn.getKnowledge("laps", { conversationId: `conversation-${run}` }));
    await learn.close();
    return texts;
  }

  test("is given items on trial where its own setting is on, from its first question on", async () => {
    const given = (await asked("own-on", "on")).map((text) => text.includes("TRIAL KNOWLEDGE"));
    expect(new Set(given)).toEqual(new Set([true, false]));
    const drawn = Array.from({ length: 30 }, (_, run) => uniformOf(`conversation-${run}:trial:v-untested`) < 0.5);
    expect(given[0]).toBe(drawn[0]);
    // One that was not drawn is never given; of those drawn a few may come while none was taken yet.
    expect(given.filter((is, run) => is && !drawn[run])).toEqual([]);
  });

  test("is given none where it is off, whatever the notes say", async () => {
    expect(new Set(await asked("own-off", "off"))).toEqual(new Set([""]));
  });
});
