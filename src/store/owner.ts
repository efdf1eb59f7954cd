import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname } from "node:path";
import Database from "libsql";
import { LearnError } from "../base/error.ts";
import { faultOf, sqlError } from "./sql-error.ts";

/** What the owner of a file says about itself, for messages and for those who want to reach it. */
export interface OwnerInfo {
  readonly pid: number;
  readonly name: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** Unix socket or named pipe where the owner serves the store; absent until it listens. */
  readonly socket?: string;
}

export interface Ownership {
  /** Writes down where the owner listens. */
  announce(socket: string): void;
  /** Gives the file free. Safe twice. */
  release(): void;
}

export const SOCKET_FOLDER_PREFIX = "agentlearn-";

/**
 * Takes the file, or returns undefined when another process or thread has it. The lock is an open exclusive transaction on a second, empty database
 * beside the file: the kernel gives it free when the process dies in any way, so there is no stale lock to remove by hand.
 * Never open `<file>-owner` with `node:fs` in the owning process: POSIX drops all locks of a process on a file when it closes any descriptor of it.
 */
export function tryOwn(path: string, name: string, startedAt: Date): Ownership | undefined {
  const lock = lockFile(`${path}-owner`, path);
  if (lock === undefined) return undefined;
  sweepAfter(readOwner(path));
  const info: OwnerInfo = { pid: process.pid, name, startedAt: startedAt.toISOString() };
  let held = true;
  const write = (said: OwnerInfo): void => {
    const draft = `${path}-owner.json.${process.pid}.tmp`;
    writeFileSync(draft, `${JSON.stringify(said)}\n`, { mode: 0o600 });
    renameSync(draft, `${path}-owner.json`);
  };
  try {
    write(info);
  } catch (caught) {
    lock.close();
    throw notWritable(path, caught);
  }
  return {
    announce: (socket) => write({ ...info, socket }),
    release: () => {
      if (!held) return;
      held = false;
      rmSync(`${path}-owner.json`, { force: true });
      lock.close();
    },
  };
}

/** The last owner that wrote its name down; it may be dead. */
export function readOwner(path: string): OwnerInfo | undefined {
  try {
    const said = JSON.parse(readFileSync(`${path}-owner.json`, "utf8")) as OwnerInfo;
    return typeof said.pid === "number" && typeof said.name === "string" ? said : undefined;
  } catch {
    return undefined;
  }
}

export function ownedByAnother(path: string): LearnError {
  const owner = readOwner(path);
  const who = owner === undefined ? "another process" : `${owner.name} (process ${owner.pid}, since ${owner.startedAt})`;
  return new LearnError("conflict", `store ${path} is owned by ${who}`, {
    hint: owner === undefined ? "stop the other process, or name another store" : `stop process ${owner.pid}, or name another store`,
  });
}

function lockFile(lockPath: string, path: string): InstanceType<typeof Database> | undefined {
  let lock: InstanceType<typeof Database> | undefined;
  try {
    lock = new Database(lockPath, { timeout: 0 });
    // The transaction writes and never commits: on a file that can only be read SQLite makes of BEGIN EXCLUSIVE a silent read without a lock. The
    // journal stays in memory, so a killed owner leaves nothing to roll back.
    lock.exec("PRAGMA journal_mode=MEMORY; BEGIN EXCLUSIVE; CREATE TABLE owner (held)");
    return lock;
  } catch (caught) {
    lock?.close();
    if (faultOf(caught) === "busy") return undefined;
    throw faultOf(caught) === "readonly" ? notWritable(path, caught) : sqlError(caught, path);
  }
}

function notWritable(path: string, cause: unknown): LearnError {
  const { code } = cause as { readonly code?: unknown };
  if (code === "ENOSPC" || code === "EDQUOT") {
    const hint = "free some space; nothing that was acknowledged is lost";
    return new LearnError("unavailable", `the disk of store ${path} is full`, { cause, hint });
  }
  return new LearnError("invalid", `the folder of store ${path}, or a file in it, is read-only for this user`, {
    cause,
    hint: "make the folder and its files writable, or name another store",
  });
}

/** An owner that was killed leaves its socket. Only what looks like ours is removed: the file could say anything. */
function sweepAfter(dead: OwnerInfo | undefined): void {
  const folder = dead?.socket === undefined ? "" : dirname(dead.socket);
  if (dirname(folder) !== tmpdir() || !basename(folder).startsWith(SOCKET_FOLDER_PREFIX)) return;
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // Somebody else's folder; it stays.
  }
}
