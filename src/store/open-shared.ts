import { setTimeout as sleep } from "node:timers/promises";
import { isLearnError, LearnError } from "../base/error.ts";
import { ownedByAnother, readOwner } from "./owner.ts";
import type { Role } from "./role.ts";
import { connectStore, type StoreConnection } from "./socket-client.ts";

export interface OpenSharedOptions {
  readonly path: string;
  /** Rejects "conflict" when somebody owns the file. */
  readonly own: () => Promise<Role>;
  readonly beGuest: (connection: StoreConnection) => Role;
}

// An owner takes some 50 ms from its lock to its socket, more on a busy machine, and a dying one as long to let go.
const PATIENCE_MS = 5_000;
const AGAIN_MS = 50;

/** Owns the file when nobody does, else reaches its owner. Rejects "unavailable" naming the owner when it holds the file and does not answer. */
export async function openShared(options: OpenSharedOptions): Promise<Role> {
  const deadline = performance.now() + PATIENCE_MS;
  while (true) {
    try {
      return await options.own();
    } catch (caught) {
      if (!isLearnError(caught) || caught.code !== "conflict") throw caught;
    }
    const socket = readOwner(options.path)?.socket;
    const connection = socket === undefined ? undefined : await connectStore(socket).catch(() => undefined);
    if (connection !== undefined) return options.beGuest(connection);
    if (performance.now() > deadline) throw unreachable(options.path);
    await sleep(AGAIN_MS);
  }
}

function unreachable(path: string): LearnError {
  const owned = ownedByAnother(path);
  return new LearnError("unavailable", `${owned.message}, which does not answer`, { hint: owned.hint ?? "try again" });
}
