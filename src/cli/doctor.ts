import { createRequire } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { LearnError, messageOf } from "../base/error.ts";
import type { Config } from "../config/config.ts";
import { parseStoreUrl } from "../store/url.ts";
import { apiFindings } from "./api-copies.ts";
import { arrivalText } from "./arrival.ts";
import { type CommandContext, contextOf } from "./context.ts";
import { EXIT } from "./exit-code.ts";
import { type Finding, findingText } from "./finding.ts";
import { portFindings } from "./port-findings.ts";
import { runningOwner, storeFile } from "./running-owner.ts";
import { lacksTraces, storeFindings } from "./store-findings.ts";
import { paint } from "./terminal.ts";
import { type Waited, waitForTrace } from "./wait-for-trace.ts";

const DEFAULT_WAIT_SECONDS = 60;

export function addDoctor(program: Command): void {
  program
    .command("doctor")
    .description("check Node, the native binding, the store, the ports, @opentelemetry/api, the model key, and what the traces lack")
    .option(
      "--wait [seconds]",
      `then wait for a real trace and say what came (default ${DEFAULT_WAIT_SECONDS} s); exit code 6 when none did`,
    )
    .action(async ({ wait }: { readonly wait?: string | true }, command: Command) => {
      const timeoutMs = wait === undefined ? undefined : millisecondsOf(wait);
      const context = contextOf(command);
      const findings = await examine(context);
      if (findings.some(({ level }) => level === "fail")) process.exitCode = EXIT.failure;
      else if (timeoutMs === undefined && lacksTraces(findings)) process.exitCode = EXIT.notVerified;
      const text = (): string => findings.map(findingText).join("\n");
      if (timeoutMs === undefined) context.terminal.result("agentlearn.doctor/v1", { findings }, text);
      else await watch(context, timeoutMs, findings, text);
    });
}

function millisecondsOf(wait: string | true): number {
  const seconds = wait === true ? DEFAULT_WAIT_SECONDS : Number(wait);
  if (Number.isFinite(seconds) && seconds > 0) return seconds * 1000;
  throw new LearnError("invalid", `--wait takes a number of seconds, not "${wait}"`, { hint: "agentlearn doctor --wait 60" });
}

async function examine(context: CommandContext): Promise<readonly Finding[]> {
  const { config } = context;
  const path = storeFile(config.store);
  // Before the store is opened: then its owner is this command.
  const owner = path === undefined ? undefined : runningOwner(path);
  const collectorRuns = parseStoreUrl(config.store).kind === "remote" ? undefined : owner?.name === "agentlearn up";
  return [
    nodeVersion(),
    binding(),
    ...(await storeFindings(context)),
    ...(await portFindings(config, collectorRuns)),
    ...apiFindings([process.cwd(), dirname(fileURLToPath(import.meta.url))]),
    modelKey(config),
  ];
}

/** People read the findings before they wait; a script gets one document at the end. */
async function watch(context: CommandContext, timeoutMs: number, findings: readonly Finding[], text: () => string): Promise<void> {
  const { terminal } = context;
  if (!terminal.json) terminal.result("", {}, text);
  const ready = () => terminal.note(`waiting up to ${timeoutMs / 1000} s for a trace: run your agent now`);
  const waited = await waitForTrace(context, timeoutMs, ready);
  terminal.result("agentlearn.doctor/v1", { findings, wait: waited }, () => waitedText(waited));
  if (waited.arrived === undefined && process.exitCode === undefined) process.exitCode = EXIT.notVerified;
}

function waitedText({ waitedMs, arrived, next }: Waited): string {
  const seconds = (waitedMs / 1000).toFixed(1);
  if (arrived !== undefined) return `${paint("green", "ok  ")} came after ${seconds} s: ${arrivalText(arrived)}`;
  return `${paint("yellow", "warn")} no trace with GenAI spans came in ${seconds} s\n${next.map((step) => `     ${paint("dim", `next: ${step}`)}`).join("\n")}`;
}

function nodeVersion(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const enough = major > 20 || (major === 20 && minor >= 19);
  return {
    check: "node",
    level: enough ? "ok" : "fail",
    detail: process.versions.node,
    ...(enough ? {} : { hint: "install Node 20.19 or later" }),
  };
}

/** The little of the binding that this check touches. */
interface LibsqlDatabase {
  prepare(sql: string): { raw(): { get(): unknown } };
  close(): void;
}

function binding(): Finding {
  try {
    const Database = createRequire(import.meta.url)("libsql") as new (path: string) => LibsqlDatabase;
    const database = new Database(":memory:");
    const [version] = database.prepare("SELECT sqlite_version()").raw().get() as [string];
    database.close();
    return { check: "libsql binding", level: "ok", detail: `loads, SQLite ${version}` };
  } catch (caught) {
    return {
      check: "libsql binding",
      level: "fail",
      detail: messageOf(caught),
      hint: "run `npm ci` on this platform; --omit=optional leaves the binding out",
    };
  }
}

function modelKey(config: Config): Finding {
  if (config.openaiApiKey !== undefined || config.openaiBaseUrl !== undefined)
    return {
      check: "model",
      level: "ok",
      detail: `${config.model}${config.openaiBaseUrl === undefined ? "" : ` at ${config.openaiBaseUrl}`}`,
    };
  return {
    check: "model",
    level: "ok",
    detail: "none configured: lessons come from RecoveryAnalyzer alone (OPENAI_API_KEY or OPENAI_BASE_URL adds LLMAnalyzer)",
  };
}
