import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync } from "node:fs";
import { open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { deserialize, serialize } from "node:v8";
import { LearnError, messageOf } from "../base/error.ts";
import type { RawBody } from "./ports.ts";
import { syncFolder } from "./sync-folder.ts";

/** Beside the file: bodies of processes that do not own it, one `.batch` file each. */
export function spoolFolder(path: string): string {
  return `${path}-spool`;
}

// A spooled file holds up to 1 MiB; 16 make one commit of a size that the disk takes in well under a second.
const FILES_AT_ONCE = 16;

/** Leaves a body for the owner. Durable on return: written under another name, synced, renamed, and the folder synced. */
export async function writeSpool(path: string, body: RawBody): Promise<void> {
  const folder = spoolFolder(path);
  // Random, because several threads of one process spool in the same microsecond and a rename replaces without a word.
  const name = `${String(body.receivedAtUs).padStart(17, "0")}-${randomBytes(8).toString("hex")}`;
  const draft = join(folder, `${name}.tmp`);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const file = await open(draft, "wx", 0o600);
    try {
      await file.writeFile(serialize(body));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, join(folder, `${name}.batch`));
    await syncFolder(folder);
  } catch (caught) {
    await rm(draft, { force: true }).catch(() => undefined);
    throw new LearnError("unavailable", `the spool of store ${path} could not be written: ${messageOf(caught)}`, { cause: caught });
  }
}

/**
 * Appends every spooled body and only then removes its file, oldest first; says how many. A crash between the two appends it twice, which mapping
 * does not mind. A file that is no body is renamed to `.bad` and reported, never removed.
 */
export async function takeInSpool(
  path: string,
  append: (bodies: readonly RawBody[]) => Promise<void>,
  report: (message: string) => void,
): Promise<number> {
  const folder = spoolFolder(path);
  const names = spooled(folder);
  let taken = 0;
  for (let at = 0; at < names.length; at += FILES_AT_ONCE) {
    const bodies = new Map<string, RawBody>();
    for (const name of names.slice(at, at + FILES_AT_ONCE)) {
      const file = join(folder, name);
      const body = await bodyOf(file, report);
      if (body !== undefined) bodies.set(file, body);
    }
    await append([...bodies.values()]);
    for (const file of bodies.keys()) await rm(file, { force: true });
    taken += bodies.size;
  }
  return taken;
}

async function bodyOf(file: string, report: (message: string) => void): Promise<RawBody | undefined> {
  try {
    return bodyFrom(await readFile(file));
  } catch (caught) {
    report(`the spooled file ${file} is not readable and was set aside: ${messageOf(caught)}`);
    await rename(file, `${file}.bad`).catch(() => undefined);
    return undefined;
  }
}

function spooled(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(".batch"))
      .sort();
  } catch {
    // No folder: nobody spooled anything yet.
    return [];
  }
}

function bodyFrom(bytes: Uint8Array): RawBody {
  const body = deserialize(bytes) as Partial<RawBody> | null;
  const sound =
    body !== null && typeof body === "object" && body.format === "batch" && body.body instanceof Uint8Array && Array.isArray(body.traceIds);
  if (!sound) throw new LearnError("invalid", "it holds no batch");
  return body as RawBody;
}
