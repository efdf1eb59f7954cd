import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Collector, startCollector } from "../../collector/main.ts";

const binary = resolve("test/peers/otelcol/_otelcol/otelcol");
const present = existsSync(binary);
if (!present) console.warn("skipped: behind a real Collector, because test/peers/otelcol is not built (npm run peers says why)");

function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => done(port));
    });
  });
}

/** One GenAI span and one of a web server, as an SDK would send them. */
function bodyOf(traceId: string, task: string): string {
  const text = (key: string, value: string) => ({ key, value: { stringValue: value } });
  const span = (spanId: string, name: string, attributes: object[]) => ({
    traceId,
    spanId,
    name,
    kind: 1,
    startTimeUnixNano: "1800000000000000000",
    endTimeUnixNano: "1800000001000000000",
    attributes,
    status: {},
  });
  const input = JSON.stringify([{ role: "user", parts: [{ type: "text", content: task }] }]);
  const spans = [
    span("00000000000000a1", "invoke_agent shop", [text("gen_ai.operation.name", "invoke_agent"), text("gen_ai.input.messages", input)]),
    span("00000000000000a2", "GET /", [text("http.request.method", "GET")]),
  ];
  return JSON.stringify({ resourceSpans: [{ scopeSpans: [{ scope: { name: "t" }, spans }] }] });
}

describe.skipIf(!present)("behind a real Collector with the configuration of README", () => {
  const folder = mkdtempSync(join(tmpdir(), "agentlearn-otelcol-"));
  const store = `file:${join(folder, "c.db")}`;
  let collector: Collector;
  let otelcol: ChildProcess;
  let receiverPort: number;
  let ownPort: number;
  let said = "";

  const start = () => startCollector({ store, otlpHttpPort: ownPort, otlpGrpcPort: 0, apiPort: 0 });
  const send = async (traceId: string, task: string) => {
    const url = `http://127.0.0.1:${receiverPort}/v1/traces`;
    return (await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body: bodyOf(traceId, task) })).status;
  };
  const tasks = async () => {
    await collector.store.drain();
    return (await collector.store.listTraces({ limit: 50 })).map(({ task }) => task).sort();
  };

  beforeAll(async () => {
    [receiverPort, ownPort] = [await freePort(), await freePort()];
    const yaml = /```yaml\n([\s\S]*?)```/.exec(readFileSync("README.md", "utf8"))?.[1] ?? "";
    const adapted = yaml
      .replace("127.0.0.1:14318", `127.0.0.1:${receiverPort}`)
      .replace("http://127.0.0.1:4318", `http://127.0.0.1:${ownPort}`)
      .replace("./otelcol-queue", join(folder, "queue"));
    writeFileSync(join(folder, "config.yaml"), adapted);
    collector = await start();
    otelcol = spawn(binary, ["--config", join(folder, "config.yaml")], { stdio: ["ignore", "ignore", "pipe"] });
    otelcol.stderr?.on("data", (chunk) => {
      said += chunk;
    });
    const deadline = Date.now() + 20_000;
    while ((await send(`${"00".repeat(15)}01`, "ready").catch(() => 0)) !== 200) {
      if (Date.now() > deadline || otelcol.exitCode !== null) throw new Error(`the Collector did not start: ${said}`);
      await new Promise((wait) => setTimeout(wait, 100));
    }
  });
  afterAll(async () => {
    otelcol?.kill("SIGTERM");
    await collector?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test("what is GenAI arrives, and the rest was filtered before", async () => {
    expect(await send("11".repeat(16), "how many?")).toBe(200);
    await expect.poll(tasks, { timeout: 20_000 }).toContain("how many?");
    expect((await collector.store.spansOf("11".repeat(16))).spans.map(({ name }) => name)).toEqual(["invoke_agent shop"]);
  });

  test("what is sent while we are down waits in its queue and arrives afterwards", async () => {
    await collector.close();
    expect(await send("22".repeat(16), "while away")).toBe(200);
    await new Promise((wait) => setTimeout(wait, 1_500));
    collector = await start();
    await expect.poll(tasks, { timeout: 30_000 }).toContain("while away");
  });

  test("no export of it was ever refused", () => {
    expect(said).not.toMatch(/Permanent error|Dropping data|not retryable/i);
  });
});
