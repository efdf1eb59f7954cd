import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const peer = resolve("test/peers/otelcol");
const binary = join(peer, "_otelcol", "otelcol");

/** Whether a real Collector is built here, from the list of parts as it is now. */
export const hasOtelcol: boolean = isBuilt();
if (!hasOtelcol) console.warn("skipped: behind a real Collector, because test/peers/otelcol is not built (npm run peers says why)");

function isBuilt(): boolean {
  const stamp = join(peer, "_otelcol", "builder.yaml");
  return existsSync(binary) && existsSync(stamp) && readFileSync(stamp, "utf8") === readFileSync(join(peer, "builder.yaml"), "utf8");
}

export interface Otelcol {
  /** All that it wrote to stderr. */
  said(): string;
  /** By default as an operator would: what waits in its queues is sent or stored first. */
  stop(signal?: "SIGTERM" | "SIGKILL"): Promise<void>;
}

/** The first yaml under a heading of a page, with some texts replaced. Throws when one of them is not there: then the page has another configuration. */
export function configurationIn(page: string, heading: string, replacements: Readonly<Record<string, string>>): string {
  const text = readFileSync(page, "utf8");
  const under = text.slice(text.indexOf(`\n${heading}\n`) + 1);
  let yaml = under.startsWith(heading) ? (/```yaml\n([\s\S]*?)```/.exec(under)?.[1] ?? "") : "";
  for (const [from, to] of Object.entries(replacements)) {
    if (!yaml.includes(from)) throw new Error(`the yaml of ${page} under "${heading}" has no ${from}`);
    yaml = yaml.replaceAll(from, to);
  }
  return yaml;
}

/** Starts it in a folder, and again and again asks `isReady` until it says so. */
export async function startOtelcol(
  folder: string,
  yaml: string,
  isReady: () => Promise<boolean>,
  flags: readonly string[] = [],
): Promise<Otelcol> {
  const file = join(folder, "config.yaml");
  writeFileSync(file, yaml);
  const child = spawn(binary, ["--config", file, ...flags], { stdio: ["ignore", "ignore", "pipe"], cwd: folder });
  const ended = once(child, "exit");
  let said = "";
  child.stderr.on("data", (chunk) => {
    said += chunk;
  });
  const stop: Otelcol["stop"] = async (signal = "SIGTERM") => {
    child.kill(signal);
    await ended;
  };
  const deadline = Date.now() + 20_000;
  while (!(await isReady().catch(() => false))) {
    if (Date.now() > deadline || child.exitCode !== null) {
      await stop();
      throw new Error(`the Collector did not start: ${said}`);
    }
    await new Promise((wait) => setTimeout(wait, 100));
  }
  return { said: () => said, stop };
}

export interface SentSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly failed?: boolean;
}

/** What an agent's root span says of its task. */
export function agentAttributes(task: string): Record<string, string> {
  const input = JSON.stringify([{ role: "user", parts: [{ type: "text", content: task }] }]);
  return { "gen_ai.operation.name": "invoke_agent", "gen_ai.input.messages": input };
}

/** As many hex digits as asked for. */
export const hexOf = (number: number, length: number): string => number.toString(16).padStart(length, "0");

/** W3C asks for random ids, and the Collector's choices hash them. Spread here, and the same in every run. */
export const traceIdOf = (number: number): string => hexOf(Math.imul(number + 1, 0x9e3779b1) >>> 0, 8).repeat(4);

/** A run of an agent with the task "task NUMBER": two model calls, then their root. */
export function runOf(number: number, { failed = false } = {}): readonly SentSpan[] {
  const traceId = traceIdOf(number);
  const root = { traceId, spanId: hexOf(0xa0, 16), name: "invoke_agent shop", attributes: agentAttributes(`task ${number}`), failed };
  const attributes = { "gen_ai.operation.name": "chat" };
  const call = (index: number) => ({ traceId, spanId: hexOf(0xb0 + index, 16), parentSpanId: root.spanId, name: "chat", attributes });
  return [call(0), call(1), root];
}

/** A request as an SDK would send it, in OTLP JSON. */
export function requestOf(spans: readonly SentSpan[]): string {
  const sent = spans.map(({ attributes = {}, failed = false, ...span }) => ({
    ...span,
    kind: 1,
    startTimeUnixNano: "1800000000000000000",
    endTimeUnixNano: "1800000001000000000",
    attributes: Object.entries(attributes).map(([key, value]) => ({ key, value: { stringValue: value } })),
    status: failed ? { code: 2, message: "failed" } : {},
  }));
  return JSON.stringify({ resourceSpans: [{ scopeSpans: [{ scope: { name: "t" }, spans: sent }] }] });
}

/** The HTTP status of one request. */
export async function sendTo(port: number, spans: readonly SentSpan[]): Promise<number> {
  const headers = { "content-type": "application/json" };
  return (await fetch(`http://127.0.0.1:${port}/v1/traces`, { method: "POST", headers, body: requestOf(spans) })).status;
}

/** One request with a log record for the first span of each run. */
export async function sendLogsTo(port: number, runs: readonly (readonly SentSpan[])[]): Promise<number> {
  const logRecords = runs.flatMap(([span]) => (span === undefined ? [] : [{ traceId: span.traceId, spanId: span.spanId, ...CHOICE }]));
  const body = JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] });
  return (await fetch(`http://127.0.0.1:${port}/v1/logs`, { method: "POST", headers: { "content-type": "application/json" }, body }))
    .status;
}
const CHOICE = { timeUnixNano: "1800000000500000000", eventName: "gen_ai.choice", body: { stringValue: "done" } };

/** An empty request: the receiver of the Collector listens. */
export async function listensOn(port: number): Promise<boolean> {
  return (await sendTo(port, [])) === 200;
}
