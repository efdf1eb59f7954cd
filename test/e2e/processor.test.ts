import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { startCollector } from "../../collector/main.ts";
import { openStore } from "../../src/store/open.ts";
import type { Trace } from "../../src/trace/trace.ts";

const folder = mkdtempSync(join(tmpdir(), "agentlearn-processor-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function agent(
  script: string,
  variables: Record<string, string>,
  ...flags: string[]
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  return new Promise((done) => {
    const child = execFile(
      process.execPath,
      [...flags, `test/e2e/agents/${script}`],
      { env: { ...process.env, ...variables }, timeout: 30_000 },
      (_error, stdout, stderr) => done({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

async function runsIn(url: string): Promise<readonly Trace[]> {
  const store = await openStore({ url, name: "test", mode: "share" });
  try {
    await store.drain();
    const list = await store.listTraces({ limit: 100 });
    return await Promise.all(list.map(({ id }) => store.getTrace(id)));
  } finally {
    await store.close();
  }
}

describe("the processors in an agent process", () => {
  test("store a run whose content came only in log records, and nothing that is not GenAI", async () => {
    const url = `file:${join(folder, "own.db")}`;
    const ended = await agent("sdk-agent.mjs", { AGENT_STORE: url, AGENT_TASK: "what is new?" });
    expect(ended).toEqual({ code: 0, stdout: "agent done\n", stderr: "" });
    const runs = await runsIn(url);
    expect(runs.map(({ task, output, agentName, spanCount }) => ({ task, output, agentName, spanCount }))).toEqual([
      { task: "what is new?", output: "done", agentName: "sdk", spanCount: 2 },
    ]);
  });

  // A listener for messages keeps a worker thread, and with it the process, alive: it was added after `unref`, so only agents that flushed ended.
  test("let an agent end that never shuts its provider down", async () => {
    const ended = await agent("endless-agent.mjs", { AGENT_STORE: `file:${join(folder, "endless.db")}` });
    expect(ended).toEqual({ code: 0, stdout: "agent done\n", stderr: "" });
  });

  test("beside a running owner hand their spans over through the spool, and nothing is lost", async () => {
    const url = `file:${join(folder, "owned.db")}`;
    const collector = await startCollector({ store: url, otlpHttpPort: 0, otlpGrpcPort: 0, apiPort: 0 });
    try {
      const tasks = ["one", "two", "three"];
      const ended = await Promise.all(tasks.map((task) => agent("sdk-agent.mjs", { AGENT_STORE: url, AGENT_TASK: task })));
      expect(ended.map(({ code, stderr }) => [code, stderr])).toEqual(tasks.map(() => [0, ""]));
      await collector.store.drain();
      expect((await collector.store.listTraces({ limit: 10 })).map(({ task }) => task).sort()).toEqual(["one", "three", "two"]);
    } finally {
      await collector.close();
    }
  });

  test("over OTLP, when an endpoint is given instead of a store", async () => {
    const url = `file:${join(folder, "remote.db")}`;
    const collector = await startCollector({ store: url, otlpHttpPort: 0, otlpGrpcPort: 0, apiPort: 0 });
    try {
      const ended = await agent(
        "plain-agent.mjs",
        { AGENTLEARN_ENDPOINT: collector.otlpHttpUrl, AGENT_TASK: "far away" },
        "--import",
        pathToFileURL(resolve("dist/src/register.js")).href,
      );
      expect([ended.code, ended.stdout]).toEqual([0, ""]);
      await collector.store.drain();
      expect((await collector.store.listTraces({ limit: 10 })).map(({ task }) => task)).toEqual(["far away"]);
    } finally {
      await collector.close();
    }
  });

  test("join an SDK that the application starts after --import agentlearn/register", async () => {
    const url = `file:${join(folder, "register.db")}`;
    const ended = await agent(
      "plain-agent.mjs",
      { AGENTLEARN_STORE: url, AGENT_TASK: "hello" },
      "--import",
      pathToFileURL(resolve("dist/src/register.js")).href,
    );
    expect([ended.code, ended.stdout, ended.stderr]).toEqual([0, "", ""]);
    expect((await runsIn(url)).map(({ task }) => task)).toEqual(["hello"]);
  });

  test.each([
    ["a folder that is a file", "blocked"],
    ["a file that is no database", "text"],
  ])("with %s as store never disturb the agent", async (_what, kind) => {
    const path = join(folder, `${kind}.txt`);
    writeFileSync(path, "just text\n".repeat(2_000));
    const url = kind === "blocked" ? `file:${join(path, "x.db")}` : `file:${path}`;
    const ended = await agent("sdk-agent.mjs", { AGENT_STORE: url, AGENT_TASK: "x" });
    expect([ended.code, ended.stdout]).toEqual([0, "agent done\n"]);
  });
});
