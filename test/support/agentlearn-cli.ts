import { execFile } from "node:child_process";

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** What --json printed. */
  json(): Record<string, unknown>;
}

/** Runs the built command without the settings of whoever runs the tests, and without a terminal. */
export function agentlearn(...args: readonly string[]): Promise<Ended> {
  const env = { ...process.env, AGENTLEARN_STORE: undefined, OPENAI_API_KEY: undefined, OPENAI_BASE_URL: undefined } as NodeJS.ProcessEnv;
  return new Promise((resolve) => {
    const child = execFile(process.execPath, ["dist/src/cli/main.js", ...args], { env, timeout: 60_000 }, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr, json: () => JSON.parse(stdout) as Record<string, unknown> }),
    );
  });
}
