import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { KnowledgeItem, Validation } from "../../src/knowledge/knowledge-item.ts";
import { openStore } from "../../src/store/open.ts";
import type { Brain } from "../../src/testing/chat.ts";
import { type LoopbackModel, startLoopbackModel } from "../../src/testing/loopback-model.ts";
import { aLesson } from "../unit/lesson-factory.ts";
import { aToolStep, aTrace } from "../unit/trace-factory.ts";
import { agentlearn, type Collector, endCollectors, startCollector } from "./collector-under-fault.ts";

const MOST = 60;
const SHARE = 0.5;
/** What each lesson says, and what a model makes of it. */
const LESSONS = {
  good: "Give every depth in metres, never in fathoms.",
  harmful: "Round every depth down to the next ten before you say it.",
  useless: "Greet the harbour master before you answer.",
};
type Kind = keyof typeof LESSONS;
const KINDS = Object.keys(LESSONS) as Kind[];

/** Half of the docks it knows in fathoms, unless it is told better; it does what a rule in its prompt says. */
const harbourBrain: Brain = ({ messages }) => {
  const rules = messages.find(({ role }) => role === "system")?.content ?? "";
  const dock = Number(/dock (\d+)/.exec(messages.at(-1)?.content ?? "")?.[1] ?? 0);
  const metres = (dock % 17) + 3;
  const inMetres = /depth in metres/.test(rules) || dock % 2 === 0;
  const said = /down to the next ten/.test(rules) ? Math.floor(metres / 10) * 10 : metres;
  const greeting = /Greet the harbour master/.test(rules) ? "Good day, harbour master. " : "";
  return { type: "text", text: `${greeting}It is ${inMetres ? `${said} metres` : `${(said / 1.83).toFixed(1)} fathoms`} deep.` };
};

interface Told {
  readonly runs: number;
  readonly held: { readonly [words: string]: number };
}

interface Agent {
  stop(): Promise<Told>;
}

function startAgent({ otlpHttp, api }: Collector, model: LoopbackModel): Agent {
  const env = {
    ...process.env,
    AGENTLEARN_ENDPOINT: otlpHttp,
    AGENTLEARN_API_URL: api,
    MODEL_URL: model.url,
    AGENT_WORDS: JSON.stringify(Object.values(LESSONS)),
  };
  const child: ChildProcess = spawn(process.execPath, ["test/e2e/agents/online-agent.mjs"], { env, stdio: ["pipe", "pipe", "inherit"] });
  let stdout = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    stdout += chunk;
  });
  return {
    async stop() {
      const over = once(child, "close");
      child.stdin?.end();
      await over;
      return JSON.parse(stdout) as Told;
    },
  };
}

/** Three candidates for one agent, each read from a failed run of it that is stored. */
async function seed(file: string): Promise<void> {
  const store = await openStore({ url: `file:${file}`, name: "seed", mode: "own", ingest: "on-demand" });
  try {
    for (const [index, kind] of KINDS.entries()) {
      const id = `${String(index + 1).repeat(32)}-${"a".repeat(16)}`;
      const steps = [aToolStep("sound_depth", { dock: index }, "the answer was not taken")];
      const trace = aTrace({
        id,
        agentName: "harbour",
        task: `dock ${index}: depth?`,
        steps,
        startTimeUs: Date.now() * 1000 - 3_600_000_000,
      });
      await store.saveManyAssembled([{ traceId: trace.traceId, traces: [trace], outcomes: [], seenArrivalUs: 0 }]);
      const words = { content: LESSONS[kind], appliesWhen: "somebody asks for the depth at a dock", tags: ["harbour"] };
      const lesson = { id: `lesson-${kind}`, fingerprint: `f-${kind}`, agentName: "harbour", sourceTraceIds: [id], taint: [] as const };
      await store.propose(aLesson({ ...words, ...lesson }), "learner");
    }
  } finally {
    await store.close();
  }
}

describe("online validation, with agents that only send spans and ask for knowledge", () => {
  const folder = mkdtempSync(join(tmpdir(), "agentlearn-online-"));
  const file = join(folder, "a.db");
  const items: Partial<Record<Kind, KnowledgeItem>> = {};
  let told: readonly Told[] = [];
  let certificates: readonly Validation[] = [];

  async function itemsOf({ api }: Collector): Promise<readonly KnowledgeItem[]> {
    const { items: listed } = (await (await fetch(new URL("/api/v1/items", api))).json()) as { items: readonly KnowledgeItem[] };
    return listed;
  }
  const isDecided = ({ validation }: KnowledgeItem): boolean => validation?.online?.endedAtUs !== undefined;

  beforeAll(async () => {
    await seed(file);
    const model = await startLoopbackModel({ brain: harbourBrain });
    const settings = {
      online: "on",
      "online-share": SHARE,
      "online-max-runs": MOST,
      "online-wait-ms": 1_000,
      activation: "evidence",
      "learn-every-ms": 1_000,
      "quiet-ms": 200,
    };
    const collector = await startCollector(
      file,
      [],
      Object.entries(settings).flatMap(([flag, value]) => [`--${flag}`, String(value)]),
    );
    const agents = [startAgent(collector, model), startAgent(collector, model)];
    try {
      const until = Date.now() + 120_000;
      while (Date.now() < until && !(await itemsOf(collector)).every(isDecided)) await sleep(500);
      // What is active by now stands in every prompt; nothing is counted any more.
      for (const item of await itemsOf(collector)) items[item.id.replace("lesson-", "") as Kind] = item;
    } finally {
      told = await Promise.all(agents.map((agent) => agent.stop()));
      await collector.end("SIGTERM");
      await model.close();
    }
    const store = await openStore({ url: `file:${file}`, name: "test", mode: "share" });
    certificates = (await store.validations()).filter(({ online }) => online?.endedAtUs !== undefined);
    await store.close();
  }, 180_000);
  afterAll(() => {
    endCollectors();
    rmSync(folder, { recursive: true, force: true });
  });

  test("makes the good candidate active", () => {
    const { status, validation } = items.good as KnowledgeItem;
    expect([status, validation?.kind, validation?.decision, validation?.online?.why]).toEqual(["active", "online", "pass", "helps"]);
  });

  test("stops the harmful one before its answers are used up", () => {
    const { status, validation } = items.harmful as KnowledgeItem;
    expect([status, validation?.decision, validation?.online?.why]).toEqual(["candidate", "refuse", "harms"]);
    expect(validation?.online?.exposures).toBeLessThan(MOST / 2);
  });

  test("refuses the useless one", () => {
    const { status, validation } = items.useless as KnowledgeItem;
    expect([status, validation?.decision]).toEqual(["candidate", "refuse"]);
  });

  test("puts no untested item into more prompts than it may, over all processes", () => {
    for (const kind of ["harmful", "useless"] as const) {
      const prompts = told.reduce((sum, { held }) => sum + (held[LESSONS[kind]] ?? 0), 0);
      expect([kind, prompts > 0, prompts <= MOST]).toEqual([kind, true, true]);
    }
    expect(certificates.every(({ online }) => (online?.exposures ?? 0) <= MOST)).toBe(true);
  });

  test("leaves certificates that the stored runs bear out", async () => {
    expect(certificates).toHaveLength(3);
    for (const { id } of certificates) {
      const { code, stdout } = await agentlearn("verify-certificate", id, "--store", `file:${file}`);
      expect([code, stdout]).toEqual([0, expect.stringMatching(/^follows[\s\S]* (\d+) of \1 units are the same in the store/)]);
    }
  });
});
