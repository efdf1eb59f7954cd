import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach } from "vitest";

export interface StoreProcess {
  readonly pid: number;
  /** Rejects with { code, message, hint } as the store did, or "gone" when the process died. */
  ask(command: string, options?: object): Promise<unknown>;
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Exit code. */
  readonly ended: Promise<number | null>;
}

const running = new Set<ChildProcess>();

/** Call once per test file: processes of a failed test do not outlive it. */
export function endProcesses(): void {
  afterEach(() => {
    for (const child of running) child.kill("SIGKILL");
  });
}

/** Another process with a store in it, see process.mjs. `before`: a command line to run it under. */
export function spawnStoreProcess(before: readonly string[] = []): StoreProcess {
  const script = fileURLToPath(new URL("./process.mjs", import.meta.url));
  const [command = process.execPath, ...args] = [...before, process.execPath, script];
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  running.add(child);
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: unknown): void }>();
  let nextId = 1;
  createInterface({ input: child.stdout }).on("line", (line) => {
    const { id, value, error } = JSON.parse(line) as { id: number; value: unknown; error?: unknown };
    const waiter = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) waiter?.resolve(value);
    else waiter?.reject(error);
  });
  child.stdin.on("error", () => undefined);
  const ended = new Promise<number | null>((resolve) => {
    child.on("exit", (code) => {
      running.delete(child);
      for (const waiter of waiting.values()) waiter.reject({ code: "gone" });
      resolve(code);
    });
  });
  return {
    pid: child.pid ?? 0,
    ended,
    ask: (name, options = {}) =>
      new Promise((resolve, reject) => {
        const id = nextId++;
        waiting.set(id, { resolve, reject });
        child.stdin.write(`${JSON.stringify({ id, command: name, options })}\n`);
      }),
    kill: async (signal = "SIGKILL") => {
      child.kill(signal);
      await ended;
    },
  };
}
