import { realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { LearnError } from "../base/error.ts";

export type StoreLocation =
  /** Absolute path. */
  { readonly kind: "file"; readonly path: string } | { readonly kind: "remote"; readonly url: string };

const HINT = "name a file (file:./agentlearn.db, /var/lib/agentlearn.db) or a libSQL server (http://127.0.0.1:8080, libsql://name.example)";

/** Where a store url points. Rejects "invalid" with examples; touches no disk. A bare path is a file; a `file:` url is percent-decoded. */
export function parseStoreUrl(text: string): StoreLocation {
  const url = text.trim();
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(url)?.[1]?.toLowerCase();
  if (scheme !== undefined && /^(https?|wss?|libsql)$/.test(scheme) && URL.canParse(url)) return { kind: "remote", url };
  const path = scheme === "file" ? pathOfFileUrl(url) : scheme === undefined && !url.startsWith(":") ? url : undefined;
  if (path !== undefined && path !== "" && !path.includes("\0") && !/[/\\]$/.test(path)) return { kind: "file", path: resolve(path) };
  throw new LearnError("invalid", `"${text}" is not a store url`, { hint: HINT });
}

function pathOfFileUrl(url: string): string | undefined {
  try {
    if (/[?#]/.test(url)) return undefined;
    return url.startsWith("file://") ? fileURLToPath(url) : decodeURIComponent(url.slice("file:".length));
  } catch {
    return undefined;
  }
}

/** One name for one file, whatever links lead to it, because the lock and the spool hang on the name. The folder must exist. */
export function canonicalPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return join(realpathSync(dirname(path)), basename(path));
  }
}
