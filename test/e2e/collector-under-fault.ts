import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createInterface } from "node:readline";
import Database from "libsql";

const CLI = "dist/src/cli/main.js";
const env = Object.fromEntries(Object.entries(process.env).filter(([key]) => !/^(AGENTLEARN|OTEL|OPENAI)/.test(key)));
const running = new Set<number>();

export interface Collector {
  readonly otlpHttp: string;
  readonly api: string;
  readonly readyMs: number;
  stderr(): string;
  /** Resolves with the exit code, or null after a signal that killed it. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** `agentlearn up` on free ports. `before`: a command line to run it under. */
export async function startCollector(store: string, before: readonly string[] = [], settings: readonly string[] = []): Promise<Collector> {
  const ports = ["otlp-http-port", "otlp-grpc-port", "api-port"].flatMap((flag) => [`--${flag}`, "0"]);
  const up = [process.execPath, CLI, "up", "--json", "--store", `file:${store}`, ...ports, ...settings];
  const [command = process.execPath, ...args] = [...before, ...up];
  const began = performance.now();
  const child = spawn(command, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk;
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const said = await readyLine(child, () => stderr);
  running.add(said.pid);
  return {
    ...said,
    readyMs: performance.now() - began,
    stderr: () => stderr,
    end: async (signal) => {
      // The process itself, which is not the child where it runs under another command.
      if (child.exitCode === null) process.kill(said.pid, signal);
      const code = await ended;
      running.delete(said.pid);
      return code;
    },
  };
}

/** For afterAll: what a failed test left running. */
export function endCollectors(): void {
  for (const pid of running) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // Gone by now.
    }
  }
}

function readyLine(child: ChildProcess, stderr: () => string): Promise<{ otlpHttp: string; api: string; pid: number }> {
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).once("line", (line) => resolve(JSON.parse(line)));
    child.once("exit", (code) => reject(new Error(`up ended with ${code}: ${stderr()}`)));
  });
}

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export function agentlearn(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [CLI, ...args], { env, timeout: 60_000 }, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

export interface Answer {
  readonly status: number;
  readonly retryAfter: string | null;
}

/** Posts one run with an id of its own. `padding`: bytes of text in it. */
export async function post(collector: Collector, traceId: string, padding = 200): Promise<Answer> {
  const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
  const span = {
    traceId,
    spanId: traceId.slice(0, 16),
    name: "invoke_agent",
    kind: 1,
    startTimeUnixNano: "1760000000000000000",
    endTimeUnixNano: "1760000000005000000",
    attributes: [text("gen_ai.operation.name", "invoke_agent"), text("gen_ai.agent.name", randomBytes(padding / 2).toString("hex"))],
  };
  const body = JSON.stringify({ resourceSpans: [{ resource: {}, scopeSpans: [{ scope: { name: "t" }, spans: [span] }] }] });
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${collector.otlpHttp}/v1/traces`, { method: "POST", headers, body });
  await answer.arrayBuffer();
  return { status: answer.status, retryAfter: answer.headers.get("retry-after") };
}

export function newId(): string {
  return randomBytes(16).toString("hex");
}

/** Posts from several clients until `over`; the ids that were answered 200 are added to `acknowledged`. */
export async function postUntil(collector: Collector, over: () => boolean, acknowledged: Set<string>, clients = 8): Promise<void> {
  const client = async (): Promise<void> => {
    while (!over()) {
      const id = newId();
      const answer = await post(collector, id, 1_000).catch(() => undefined);
      if (answer?.status === 200) acknowledged.add(id);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
}

/** The trace ids of all bodies in a file that nobody owns, by plain SQL. */
export function storedIds(store: string): ReadonlySet<string> {
  const database = new Database(store, { readonly: true });
  try {
    const rows = database.prepare("SELECT trace_ids FROM raw_body").raw(true).all([]) as [Buffer][];
    return new Set(rows.flatMap(([ids]) => JSON.parse(ids.toString("utf8")) as string[]));
  } finally {
    database.close();
  }
}
