import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { openStore } from "../../src/store/open.ts";
import type { Store } from "../../src/store/ports.ts";

export const CLI = "dist/src/cli/main.js";
export const cliEnvironment: NodeJS.ProcessEnv = { ...process.env, AGENTLEARN_STORE: undefined };

const FIXTURES = "test/fixtures/spans";
/** The recorded payloads that are OTLP; the others are what an SDK hands to its own hooks. */
export const payloads: readonly string[] = readdirSync(FIXTURES)
  .map((name) => join(FIXTURES, name))
  .filter((path) => readFileSync(path, "utf8").includes('"resourceSpans"'));

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export function agentlearn(args: readonly string[], stdin?: string, flags: readonly string[] = []): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { env: cliEnvironment, timeout: 170_000 };
    const child = execFile(process.execPath, [...flags, CLI, ...args], options, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
    child.stdin?.end(stdin);
  });
}

interface ImportResult {
  readonly files: readonly {
    readonly file: string;
    readonly format: string;
    readonly bodies: number;
    readonly skipped: number;
    readonly resumedAfter: number;
  }[];
  readonly runs: { readonly new: number; readonly total: number };
  readonly refused: number;
}

/** `agentlearn import` that must succeed without a word on stderr. */
export async function imported(...args: readonly string[]): Promise<ImportResult> {
  const { code, stdout, stderr } = await agentlearn(["import", "--json", ...args]);
  expect(`${code} ${stderr}`).toBe("0 ");
  return JSON.parse(stdout) as ImportResult;
}

/** Posts recorded payloads as an exporter would. */
export async function postPayloads(otlpHttpUrl: string, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const payload = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
    for (const [key, signal] of [
      ["resourceSpans", "traces"],
      ["resourceLogs", "logs"],
    ] as const) {
      if (payload[key] === undefined) continue;
      const headers = { "content-type": "application/json" };
      const body = JSON.stringify({ [key]: payload[key] });
      expect((await fetch(`${otlpHttpUrl}/v1/${signal}`, { method: "POST", headers, body })).status).toBe(200);
    }
  }
}

/** Everything that is kept of each run, apart from when it was judged. */
export async function runsOf(store: Store): Promise<readonly object[]> {
  const runs: object[] = [];
  for (const { id } of await store.listTraces({ limit: 100_000 })) {
    const outcomes = (await store.outcomesOf(id)).map(({ source, status, score, reasoning }) => ({ source, status, score, reasoning }));
    runs.push({ ...(await store.getTrace(id)), outcomes });
  }
  return runs.sort((left, right) => JSON.stringify(left).localeCompare(JSON.stringify(right)));
}

export async function runsIn(path: string): Promise<readonly object[]> {
  const store = await openStore({ url: path, name: "test", ingest: "on-demand" });
  try {
    return await runsOf(store);
  } finally {
    await store.close();
  }
}
