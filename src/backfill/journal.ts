import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import type { FileFormat, Position } from "./ports.ts";

/** Counts of one file. */
export interface Progress extends Position {
  readonly bodies: number;
  readonly spans: number;
  readonly logs: number;
  readonly rejected: number;
  readonly skipped: number;
  readonly badPieces: readonly BadPiece[];
  readonly done: boolean;
}

export interface BadPiece {
  readonly number: number;
  readonly reason: string;
}

/** How far one file is in one store. */
export interface Journal {
  /** Undefined when there is nothing to go on from: never begun, read as another format, or the store is not the one it was written for. */
  read(): Progress | undefined;
  /** Only after everything up to there is durable. A lost or torn journal costs time and no data: ingest is idempotent. */
  write(progress: Progress): void;
  remove(): void;
}

export interface JournalOptions {
  /** The store's file, which exists. */
  readonly storePath: string;
  /** See `InputFile.identity`. */
  readonly identity: string;
  readonly format: FileFormat;
}

/** A small JSON file beside the store. */
export function openJournal({ storePath, identity, format }: JournalOptions): Journal {
  const path = `${storePath}-import-${identity}.json`;
  const header = { version: 1, format, store: storeIdentity(storePath) };
  return {
    read() {
      try {
        const { progress, ...written } = JSON.parse(readFileSync(path, "utf8")) as { readonly progress: Progress };
        return JSON.stringify(written) === JSON.stringify(header) ? progress : undefined;
      } catch {
        return undefined;
      }
    },
    write(progress) {
      const draft = `${path}.${process.pid}.tmp`;
      writeFileSync(draft, JSON.stringify({ ...header, progress }), { mode: 0o600 });
      renameSync(draft, path);
    },
    remove: () => rmSync(path, { force: true }),
  };
}

/** A store that was deleted and made anew under the same name, or restored, must not be taken for the one that has the first half. */
function storeIdentity(storePath: string): string {
  const { ino, birthtimeNs } = statSync(storePath, { bigint: true });
  return `${ino}-${birthtimeNs}`;
}
