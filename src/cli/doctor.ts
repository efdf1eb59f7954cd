import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Command } from "commander";
import { isLearnError, messageOf } from "../base/error.ts";
import type { Config } from "../config/config.ts";
import { type CommandContext, contextOf } from "./context.ts";
import { EXIT } from "./exit-code.ts";
import { paint } from "./terminal.ts";

interface Finding {
  readonly check: string;
  /** warn: works, but not as wanted. fail: does not work. */
  readonly level: "ok" | "warn" | "fail";
  readonly detail: string;
  readonly hint?: string;
}

export function addDoctor(program: Command): void {
  program
    .command("doctor")
    .description("check Node, the native binding, the store, the ports, the model key and the last trace")
    .action(async (_options: object, command: Command) => {
      const context = contextOf(command);
      const findings = [
        nodeVersion(),
        binding(),
        ...(await store(context)),
        ...(await ports(context.config)),
        apiVersions(),
        modelKey(context.config),
      ];
      const worst = findings.some(({ level }) => level === "fail") ? "fail" : "ok";
      context.terminal.result("agentlearn.doctor/v1", { findings }, () => findings.map(line).join("\n"));
      if (worst === "fail") process.exitCode = EXIT.failure;
      else if (findings.some(({ check, level }) => check === "last trace" && level === "warn")) process.exitCode = EXIT.notVerified;
    });
}

function line({ check, level, detail, hint }: Finding): string {
  const mark = { ok: paint("green", "ok  "), warn: paint("yellow", "warn"), fail: paint("red", "fail") }[level];
  return `${mark} ${check.padEnd(14)} ${detail}${hint === undefined ? "" : `\n     ${paint("dim", `next: ${hint}`)}`}`;
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

async function store({ config, withStore }: CommandContext): Promise<readonly Finding[]> {
  if (!/^(https?|wss?|libsql):/.test(config.store) && !existsSync(config.store.replace(/^file:/, ""))) {
    return [
      { check: "store", level: "warn", detail: `${config.store} does not exist yet`, hint: "`agentlearn up` makes it" },
      { check: "last trace", level: "warn", detail: "none yet" },
    ];
  }
  try {
    return await withStore(async (opened) => {
      const problems = await opened.check();
      const status = await opened.status();
      const sound: Finding =
        problems.length === 0
          ? { check: "store", level: "ok", detail: `${config.store}, schema ${status.schemaVersion}, ${status.traces.total} traces` }
          : { check: "store", level: "fail", detail: problems.join("; "), hint: "agentlearn store recover" };
      const age = status.lastTraceAtUs === undefined ? undefined : Math.round(Date.now() / 1000 - status.lastTraceAtUs / 1e6);
      const last: Finding =
        age === undefined
          ? {
              check: "last trace",
              level: "warn",
              detail: "none yet",
              hint: "export OTEL_EXPORTER_OTLP_ENDPOINT to a running `agentlearn up` and run your agent",
            }
          : { check: "last trace", level: "ok", detail: `${age} s ago` };
      return [sound, last];
    });
  } catch (caught) {
    return [
      { check: "store", level: "fail", detail: messageOf(caught), hint: hintOf(caught) ?? "check --store and the rights on its folder" },
    ];
  }
}

function hintOf(caught: unknown): string | undefined {
  return isLearnError(caught) ? caught.hint : undefined;
}

async function ports(config: Config): Promise<readonly Finding[]> {
  const wanted = [
    ["otlp http port", config.otlpHttpPort, "--otlp-http-port"],
    ["otlp grpc port", config.otlpGrpcPort, "--otlp-grpc-port"],
    ["api port", config.apiPort, "--api-port"],
  ] as const;
  const findings: Finding[] = [];
  for (const [check, port, flag] of wanted) {
    const free = await isFree(config.host, port);
    findings.push(
      free
        ? { check, level: "ok", detail: `${port} is free` }
        : {
            check,
            level: "warn",
            detail: `${port} is taken, perhaps by a running \`agentlearn up\``,
            hint: `\`agentlearn up ${flag} N\` takes another`,
          },
    );
  }
  return findings;
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}

/** An SDK registered through an older API hides its tracer from a library that brings a newer one; seen with 1.9 and 1.10. */
function apiVersions(): Finding {
  const ours = versionFrom(import.meta.url);
  const theirs = versionFrom(pathToFileURL(join(process.cwd(), "index.js")).href);
  if (ours === undefined)
    return { check: "otel api", level: "fail", detail: "@opentelemetry/api is not installed", hint: "npm install @opentelemetry/api" };
  if (theirs !== undefined && theirs !== ours) {
    const hint = "npm dedupe, or npm install one version, so that both see the same tracer";
    return { check: "otel api", level: "warn", detail: `this package sees ${ours}, the application here ${theirs}`, hint };
  }
  return { check: "otel api", level: "ok", detail: ours };
}

/** The version that a module at `url` would load. Its package.json is behind an exports map, so it is looked for beside the entry. */
function versionFrom(url: string): string | undefined {
  try {
    for (let folder = dirname(createRequire(url).resolve("@opentelemetry/api")); folder !== dirname(folder); folder = dirname(folder)) {
      const file = join(folder, "package.json");
      const found = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as { name?: string; version?: string }) : {};
      if (found.name === "@opentelemetry/api") return found.version;
    }
  } catch {
    // Not to be resolved from there.
  }
  return undefined;
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
