import { existsSync } from "node:fs";
import { type OwnerInfo, readOwner } from "../store/owner.ts";
import { canonicalPath, parseStoreUrl } from "../store/url.ts";

/** The file behind a store url, by its one name; undefined for a server and for a file that is not there. */
export function storeFile(url: string): string | undefined {
  const location = parseStoreUrl(url);
  return location.kind === "file" && existsSync(location.path) ? canonicalPath(location.path) : undefined;
}

/** Who owns a store file now, without touching its lock. */
export function runningOwner(path: string): OwnerInfo | undefined {
  const owner = readOwner(path);
  return owner !== undefined && isAlive(owner.pid) ? owner : undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (caught) {
    // Somebody else's process may not be signalled, and is there.
    return (caught as NodeJS.ErrnoException).code === "EPERM";
  }
}
