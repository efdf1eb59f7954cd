import { existsSync, renameSync } from "node:fs";
import { dirname } from "node:path";
import type { Clock } from "../base/clock.ts";
import { LearnError } from "../base/error.ts";
import type { Damage } from "./damage.ts";
import { syncFolder } from "./sync-folder.ts";

const PARTS = ["", "-wal", "-shm", "-bodies"];

/**
 * Renames a damaged file with its log to `<file>.corrupt-<UTC time>`, together a database still, and returns that name. Of a sound file with a damaged
 * log only the log. Nothing is ever deleted: much of it can be read with other tools, or by `agentlearn store recover`.
 */
export async function setAside(path: string, damage: Damage, clock: Clock): Promise<string> {
  const stamp = new Date(clock.nowUs() / 1_000).toISOString().replace(/[-:]|\.\d+/g, "");
  const parts = damage.part === "log" ? ["-wal"] : PARTS;
  const taken = (name: string): boolean => PARTS.some((part) => existsSync(`${name}${part}`));
  let aside = `${path}.corrupt-${stamp}`;
  for (let n = 2; taken(aside); n++) aside = `${path}.corrupt-${stamp}-${n}`;
  for (const part of parts) if (existsSync(`${path}${part}`)) renameSync(`${path}${part}`, `${aside}${part}`);
  await syncFolder(dirname(path));
  return damage.part === "log" ? `${aside}-wal` : aside;
}

/** What everybody but `agentlearn up` says about a damaged file. */
export function damaged(path: string, damage: Damage): LearnError {
  return new LearnError("invalid", `store ${path} is damaged: ${damage.what}`, {
    hint: `run: agentlearn store recover --store file:${path}`,
  });
}

/** What `agentlearn up` says when it went on with a new file. */
export function asideMessage(path: string, damage: Damage, aside: string): string {
  return damage.part === "log"
    ? `the write-ahead log of store ${path} was damaged and is kept as ${aside}; what was only in it is gone`
    : `store ${path} was damaged (${damage.what}). It is kept as ${aside}, and a new, empty store was started at ${path}. ` +
        `To bring back what can still be read, stop this process and run: agentlearn store recover --from ${aside} --store file:${path}`;
}
