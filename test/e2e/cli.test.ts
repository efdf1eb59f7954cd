import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "agentlearn-cli-"));
const store = `file:${join(folder, "cli.db")}`;
const CLI = "dist/src/cli/main.js";
const env = { ...process.env, AGENTLEARN_STORE: undefined, OPENAI_API_KEY: undefined, OPENAI_BASE_URL: undefined } as NodeJS.ProcessEnv;

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function agentlearn(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [CLI, ...args], { env, timeout: 60_000 }, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

interface Up {
  readonly otlpHttp: string;
  readonly api: string;
  readonly pid: number;
}

/** Starts `agentlearn up` on free ports and resolves with its one line of JSON. */
async function startUp(url: string): Promise<{ readonly child: ChildProcess; readonly up: Up }> {
  const child = spawn(
    process.execPath,
    [CLI, "up", "--json", "--store", url, "--otlp-http-port", "0", "--otlp-grpc-port", "0", "--api-port", "0"],
    { env, stdio: ["ignore", "pipe", "inherit"] },
  );
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  const line = await new Promise<string>((resolve, reject) => {
    lines.once("line", resolve);
    child.once("exit", (code) => reject(new Error(`up ended with ${code}`)));
  });
  return { child, up: JSON.parse(line) as Up };
}

async function stop(child: ChildProcess): Promise<number | null> {
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  return ended;
}

/** One agent run with a failed and a recovered tool call, as OTLP/JSON. */
function otlpBody(traceId: string): string {
  const text = (key: string, value: string) => ({ key, value: { stringValue: value } });
  const span = (spanId: string, parentSpanId: string, name: string, at: number, attributes: object[], error?: string) => ({
    traceId,
    spanId,
    parentSpanId,
    name,
    kind: 1,
    startTimeUnixNano: `${1_760_000_000_000_000_000n + BigInt(at) * 1_000_000n}`,
    endTimeUnixNano: `${1_760_000_000_000_000_000n + BigInt(at + 5) * 1_000_000n}`,
    attributes,
    status: error === undefined ? {} : { code: 2, message: error },
  });
  const tool = (spanId: string, at: number, query: string, result: string | undefined, error?: string) =>
    span(
      spanId,
      "00000000000000a1",
      "execute_tool run_sql",
      at,
      [
        text("gen_ai.operation.name", "execute_tool"),
        text("gen_ai.tool.name", "run_sql"),
        text("gen_ai.tool.call.arguments", JSON.stringify({ query })),
        ...(result === undefined ? [] : [text("gen_ai.tool.call.result", result)]),
      ],
      error,
    );
  const message = (role: string, content: string) => JSON.stringify([{ role, parts: [{ type: "text", content }] }]);
  const spans = [
    span("00000000000000a1", "", "invoke_agent shop", 0, [
      text("gen_ai.operation.name", "invoke_agent"),
      text("gen_ai.agent.name", "shop"),
      text("gen_ai.input.messages", message("user", "how many orders in March?")),
      text("gen_ai.output.messages", message("assistant", "12")),
    ]),
    tool("00000000000000a2", 10, "SELECT count(*) FROM orders WHERE month = 3", undefined, "no such column: month"),
    tool("00000000000000a3", 20, "SELECT count(*) FROM orders WHERE order_month = 3", "12"),
  ];
  return JSON.stringify({
    resourceSpans: [{ resource: { attributes: [text("service.name", "shop")] }, scopeSpans: [{ scope: { name: "t" }, spans }] }],
  });
}

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("a running collector", () => {
  let child: ChildProcess;
  let up: Up;
  beforeAll(async () => {
    ({ child, up } = await startUp(store));
    for (const id of ["11", "22"]) {
      const answer = await fetch(`${up.otlpHttp}/v1/traces`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: otlpBody(id.repeat(16)),
      });
      expect(answer.status).toBe(200);
    }
  });
  afterAll(async () => {
    expect(await stop(child)).toBe(0);
  });

  test("lets other commands work through it: learn mines what it received", async () => {
    const learned = await agentlearn("learn", "--json", "--store", store);
    expect(learned.stderr).toBe("");
    const report = JSON.parse(learned.stdout) as { tracesAnalyzed: number; decisions: { item: { content: string } }[] };
    expect(report.tracesAnalyzed).toBe(2);
    expect(report.decisions.map(({ item }) => item.content).join()).toContain("order_month");
  });

  test("shows the run with its failed and its recovered step", async () => {
    const shown = await agentlearn("traces", "show", "11", "--json", "--store", store);
    const { trace } = JSON.parse(shown.stdout) as { trace: { task: string; steps: { error?: { message: string } }[] } };
    expect([trace.task, trace.steps.map(({ error }) => error?.message ?? null)]).toEqual([
      "how many orders in March?",
      ["no such column: month", null],
    ]);
  });

  test("finds a run by words of its error", async () => {
    const found = await agentlearn("traces", "search", "no such column", "--json", "--store", store);
    expect((JSON.parse(found.stdout) as { traces: unknown[] }).traces.length).toBe(2);
  });

  test("canary needs a reason, is shown, and ends, and the item stays a candidate", async () => {
    const list = JSON.parse((await agentlearn("knowledge", "list", "--json", "--store", store)).stdout) as { items: { id: string }[] };
    const id = list.items[0]?.id.slice(0, 8) ?? "";
    const bare = await agentlearn("knowledge", "canary", id, "--store", store);
    expect([bare.code, bare.stderr.includes("a reason is needed")]).toEqual([3, true]);
    const begun = await agentlearn("knowledge", "canary", id, "--reason", "worth a try", "--canary-share", "0.02", "--store", store);
    expect([begun.code, begun.stdout]).toEqual([
      0,
      `${id} is a candidate, in canary: 2 % of the runs whose injector is canary may be given it\n`,
    ]);
    expect((await agentlearn("knowledge", "show", id, "--store", store)).stdout).toContain("candidate  in canary");
    expect((await agentlearn("knowledge", "canary", id, "--end", "--store", store)).code).toBe(0);
    const shown = JSON.parse((await agentlearn("knowledge", "show", id, "--json", "--store", store)).stdout) as {
      item: { status: string };
      history: { action: string; actor: string; reason?: string }[];
    };
    expect([shown.item.status, shown.history.slice(-2).map(({ action }) => action)]).toEqual(["candidate", ["canary", "canary-end"]]);
    expect(shown.history.at(-2)).toMatchObject({ actor: expect.stringMatching(/^cli:./) as string, reason: "worth a try" });
  });

  test("an item goes from candidate to pinned by a person's word, and into the prompt over the API", async () => {
    const list = JSON.parse((await agentlearn("knowledge", "list", "--json", "--store", store)).stdout) as { items: { id: string }[] };
    const id = list.items[0]?.id.slice(0, 8) ?? "";
    const untested = await agentlearn("knowledge", "approve", id, "--store", store);
    expect([untested.code, untested.stderr]).toEqual([3, expect.stringContaining("--reason")]);
    expect((await agentlearn("knowledge", "approve", id, "--reason", "I know this table", "--store", store)).code).toBe(0);
    expect((await agentlearn("knowledge", "pin", id, "--store", store)).code).toBe(0);
    const answer = (await (await fetch(`${up.api}/api/v1/knowledge?task=anything`)).json()) as { text: string };
    expect(answer.text).toContain(`] ${id}`);
    const history = JSON.parse((await agentlearn("knowledge", "show", id, "--json", "--store", store)).stdout) as {
      history: { action: string }[];
    };
    expect(history.history.map(({ action }) => action)).toEqual(expect.arrayContaining(["propose", "approve", "pin"]));
  });

  test("refuses a second owner and names the first", async () => {
    const second = await agentlearn("up", "--store", store, "--otlp-http-port", "0", "--otlp-grpc-port", "0", "--api-port", "0");
    expect([second.code, second.stderr]).toEqual([4, expect.stringContaining(String(up.pid))]);
  });

  test("feedback over the API changes the verdict", async () => {
    const answer = await fetch(`${up.api}/api/v1/feedback`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ traceId: "22".repeat(16), score: 0, comment: "wrong" }),
    });
    expect(answer.status).toBeLessThan(300);
    const failed = async () => {
      const shown = await agentlearn("traces", "list", "--status", "failure", "--json", "--store", store);
      return (JSON.parse(shown.stdout) as { traces: { id: string }[] }).traces.map(({ id }) => id.slice(0, 4));
    };
    await expect.poll(failed, { timeout: 10_000 }).toEqual(["2222"]);
  });
});

test("up says that agents may be given what is untested, where that was chosen", async () => {
  const flags = ["--store", `file:${join(folder, "online.db")}`, "--otlp-http-port", "0", "--otlp-grpc-port", "0", "--api-port", "0"];
  const banner = async (...more: readonly string[]): Promise<string> => {
    const child = spawn(process.execPath, [CLI, "up", ...flags, ...more], { stdio: ["ignore", "pipe", "inherit"] });
    let said = "";
    child.stdout.on("data", (chunk: Buffer) => {
      said += chunk;
      if (said.includes("then")) child.kill("SIGTERM");
    });
    await new Promise((resolve) => child.once("exit", resolve));
    return said;
  };
  expect(await banner("--online", "on", "--online-share", "0.25")).toContain("untested candidates in 25 % of the runs they match");
  expect(await banner()).not.toContain("untested");
});

describe("bad input", () => {
  test("a busy port names the port and the flag", async () => {
    const server = createServer();
    const port = await new Promise<number>((resolve) =>
      server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port)),
    );
    const ended = await agentlearn(
      "up",
      "--store",
      `file:${join(folder, "busy.db")}`,
      "--otlp-http-port",
      String(port),
      "--otlp-grpc-port",
      "0",
      "--api-port",
      "0",
    );
    server.close();
    expect(ended.code).toBe(4);
    expect(ended.stderr).toContain(String(port));
    expect(ended.stderr).toContain("--otlp-http-port");
  });

  test("a store that is not there says so instead of making an empty one", async () => {
    const ended = await agentlearn("status", "--store", "file:./no/such.db");
    expect([ended.code, ended.stdout, ended.stderr]).toEqual([3, "", expect.stringContaining("agentlearn up")]);
  });

  test("an unknown id is named, as text and as JSON", async () => {
    const text = await agentlearn("knowledge", "show", "ffff", "--store", store);
    const json = await agentlearn("knowledge", "show", "ffff", "--store", store, "--json");
    expect([text.code, text.stderr]).toEqual([3, expect.stringContaining("ffff")]);
    expect(JSON.parse(json.stderr)).toMatchObject({ schema: "agentlearn.error/v1", code: "not-found" });
  });

  test("an unknown command, option or value is a bad argument", async () => {
    const codes = await Promise.all([
      agentlearn("lern"),
      agentlearn("status", "--nope"),
      agentlearn("traces", "list", "--status", "odd", "--store", store),
    ]);
    expect(codes.map(({ code }) => code)).toEqual([3, 3, 3]);
  });

  test("a file that is no database is refused and left as it was", async () => {
    const path = join(folder, "text.db");
    writeFileSync(path, "this is not a database, just text that somebody wrote\n".repeat(200));
    const ended = await agentlearn("status", "--store", `file:${path}`);
    expect(ended.code).not.toBe(0);
    expect(ended.stderr).toContain("text.db");
  });

  test("doctor says what is missing and exits 6 when no trace ever came", async () => {
    const ended = await agentlearn("doctor", "--store", `file:${join(folder, "none.db")}`);
    expect([ended.code, ended.stdout]).toEqual([6, expect.stringContaining("last trace")]);
  });

  test("a model that does not answer stops the demo with its address", async () => {
    const args = [CLI, "demo", "--store", `file:${join(folder, "silent.db")}`];
    const ended = await new Promise<Ended>((resolve) => {
      const child = execFile(
        process.execPath,
        args,
        { env: { ...env, OPENAI_BASE_URL: "http://127.0.0.1:9/v1" } },
        (_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }),
      );
    });
    expect([ended.code, ended.stdout]).toEqual([5, ""]);
    expect(ended.stderr).toContain("http://127.0.0.1:9/v1");
  });

  test("a wrong setting in the environment is named with its key", async () => {
    const ended = await new Promise<Ended>((resolve) => {
      const child = execFile(process.execPath, [CLI, "status"], { env: { ...env, AGENTLEARN_ALPHA: "seven" } }, (_error, stdout, stderr) =>
        resolve({ code: child.exitCode ?? -1, stdout, stderr }),
      );
    });
    expect([ended.code, ended.stderr]).toEqual([3, expect.stringContaining("AGENTLEARN_ALPHA")]);
  });
});
