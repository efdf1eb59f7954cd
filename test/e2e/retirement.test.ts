import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AgentLearn } from "../../src/index.ts";
import type { KnowledgeItem } from "../../src/knowledge/knowledge-item.ts";
import { agentlearn } from "../support/agentlearn-cli.ts";
import { anActiveItem } from "../support/an-item.ts";
import { seedItems } from "../support/seed-items.ts";

const folder = mkdtempSync(join(tmpdir(), "agentlearn-retirement-"));
const store = `file:${join(folder, "learn.db")}`;
const TASK = "weigh parcel number";
const HARMFUL = anActiveItem({ id: "harmful-0000", content: "Weigh parcels in pounds, whatever the number.", appliesWhen: TASK });
const HARMLESS = anActiveItem({ id: "harmless-000", content: "Say the number of the parcel when you weigh it.", appliesWhen: TASK });
const UNUSED = anActiveItem({ id: "unused-00000", content: "Fold the sails before the storm.", appliesWhen: "sailing around the cape" });
/** A second and a half. */
const HIBERNATE_DAYS = "0.000018";

let up: ChildProcess;
let api = "";
let runs = 0;

beforeAll(async () => {
  await seedItems(store, [HARMFUL, HARMLESS, UNUSED]);
  const ports = ["--otlp-http-port", "0", "--otlp-grpc-port", "0", "--api-port", "0"];
  const args = ["dist/src/cli/main.js", "up", "--json", "--store", store, ...ports];
  const settings = { AGENTLEARN_LEARN_EVERY_MS: "1000", AGENTLEARN_HIBERNATE_DAYS: HIBERNATE_DAYS, AGENTLEARN_QUIET_MS: "100" };
  up = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, ...settings } });
  const [line] = (await once(createInterface({ input: up.stdout as NodeJS.ReadableStream }), "line")) as [string];
  const { otlpHttp, api: url } = JSON.parse(line) as { readonly otlpHttp: string; readonly api: string };
  api = url;
  endpoint = otlpHttp;
}, 60_000);
afterAll(async () => {
  up.kill("SIGTERM");
  await once(up, "exit");
  rmSync(folder, { recursive: true, force: true });
});

let endpoint = "";
/** Fails whenever it is told to use pounds, with the one model and not with the other; every tenth time it fails anyway. */
async function work(count: number, model: string): Promise<void> {
  const learn = new AgentLearn({ endpoint, apiUrl: api, agentName: "scale", agentModel: model, withholdProbability: 0.5 });
  const agent = learn.trace(
    (task: string, { knowledge }: { knowledge: string }): string => {
      if ((knowledge.includes("pounds") && model === "old") || task.endsWith("7")) throw new Error("the scale refused the unit");
      return "12 kg";
    },
    { autoInject: true },
  );
  for (let n = 0; n < count; n += 1) await agent(`${TASK} ${runs++}`).catch(() => undefined);
  await learn.close();
}

const itemOf = async (id: string): Promise<KnowledgeItem | undefined> =>
  ((await (await fetch(`${api}/api/v1/items`)).json()) as { readonly items: readonly KnowledgeItem[] }).items.find(
    (item) => item.id === id,
  );

/** Nobody asks for anything meanwhile: the learner in `up` looks by itself, and on a slow machine not often, since looking may take 2 % of the time only. */
async function becomes(id: string, status: KnowledgeItem["status"]): Promise<void> {
  const until = performance.now() + 120_000;
  while ((await itemOf(id))?.status !== status && performance.now() < until) await sleep(100);
  expect([id, (await itemOf(id))?.status]).toEqual([id, status]);
}

async function shown(id: string): Promise<string> {
  const { code, stdout, stderr } = await agentlearn("knowledge", "show", id, "--store", store);
  expect([code, stderr]).toEqual([0, ""]);
  return stdout.replace(/\s+/g, " ");
}

interface Report {
  readonly itemId: string;
  readonly outOfUse?: { readonly actor: string; readonly reason: string };
}
const effectOf = async (id: string): Promise<Report> => (await (await fetch(`${api}/api/v1/items/${id}/effect`)).json()) as Report;

// In this order: each goes on where the one before ended.
describe("in `agentlearn up`, with nobody who asks", () => {
  test("an item that harms leaves, and the reason is shown wherever items are", async () => {
    await work(240, "old");
    await becomes(HARMFUL.id, "deprecated");
    const reason = /it harms with old: lift -\d[\d.]* points \(-[\d.]+ to -[\d.]+\) over \d+ runs/;
    expect(await shown(HARMFUL.id)).toMatch(new RegExp(`deprecate by learner: ${reason.source}`));
    expect((await effectOf(HARMFUL.id)).outOfUse).toMatchObject({ actor: "learner", reason: expect.stringMatching(reason) });
    const report = (await (await fetch(`${api}/api/v1/ab-report`)).json()) as { readonly items: readonly Report[] };
    expect(report.items.find(({ itemId }) => itemId === HARMFUL.id)?.outOfUse?.reason).toMatch(reason);
    const { stdout } = await agentlearn("ab-report", "--store", store);
    expect(stdout.replace(/\s+/g, " ")).toMatch(/it harms with old/);
    expect((await itemOf(HARMLESS.id))?.status).toBe("active");
  }, 180_000);

  test("an item that no task asked for hibernates, while others run", async () => {
    await work(5, "old");
    await becomes(UNUSED.id, "deprecated");
    expect(await shown(UNUSED.id)).toContain("deprecate by learner: hibernates: no task of the last");
    expect((await effectOf(UNUSED.id)).outOfUse?.reason).toMatch(/^hibernates/);
  }, 180_000);

  test("what harmed one model is a candidate again when another comes, and what hibernates is not", async () => {
    await work(5, "new");
    await becomes(HARMFUL.id, "candidate");
    expect(await shown(HARMFUL.id)).toContain("restore by learner: it was retired before new came into use");
    expect((await effectOf(HARMFUL.id)).outOfUse).toBeUndefined();
    expect((await itemOf(UNUSED.id))?.status).toBe("deprecated");
  }, 180_000);
});
