import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";

const run = promisify(execFile);
const folder = "test/docs/.snippets";
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What the snippets take from their reader: an SDK, and an agent. */
const PREAMBLE = `import { LoggerProvider } from "@opentelemetry/sdk-logs";
import { BasicTracerProvider } from "@opentelemetry/sdk-trace-base";
declare const traceId: string;
declare function callModel(task: string, knowledge: string): Promise<string>;
declare function runMyAgent(task: string, knowledge: string): Promise<string>;
void [LoggerProvider, BasicTracerProvider, traceId, callModel, runMyAgent];
`;

/** What a snippet imports of packages that are not installed here. That our class fits the real type is tested with the real package in test/e2e. */
const PEERS = `declare module "@openai/agents" {
  interface Span { traceId: string; spanId: string; parentId: string | null; spanData: { type: string }; error: { message: string; data?: Record<string, unknown> } | null }
  interface Trace { traceId: string; name: string; groupId: string | null; metadata?: Record<string, unknown> }
  interface TracingProcessor {
    onTraceStart(trace: Trace): Promise<void>;
    onTraceEnd(trace: Trace): Promise<void>;
    onSpanStart(span: Span): Promise<void>;
    onSpanEnd(span: Span): Promise<void>;
    shutdown(timeout?: number): Promise<void>;
    forceFlush(): Promise<void>;
  }
  export function addTraceProcessor(processor: TracingProcessor): void;
}
`;

test("every TypeScript snippet of README compiles against the built package", async () => {
  const snippets = [...readFileSync("README.md", "utf8").matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code ?? "");
  expect(snippets.length).toBeGreaterThanOrEqual(2);
  mkdirSync(folder, { recursive: true });
  for (const [index, code] of snippets.entries()) writeFileSync(join(folder, `snippet-${index}.ts`), `${PREAMBLE}${code}\nexport {};\n`);
  writeFileSync(join(folder, "peers.d.ts"), PEERS);
  const settings = {
    extends: "../../../tsconfig.json",
    compilerOptions: { noUnusedLocals: false, rootDir: "../../.." },
    include: ["*.ts", "*.d.ts"],
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(settings));
  const ended = await run("npx", ["tsc", "-p", join(folder, "tsconfig.json")]).catch((caught: { stdout: string }) => caught);
  expect(ended.stdout).toBe("");
});
