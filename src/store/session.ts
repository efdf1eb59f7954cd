import { LearnError } from "../base/error.ts";
import type { RawBody } from "./ports.ts";
import type { Role } from "./role.ts";
import type { StoreCall } from "./rpc.ts";

/** A store that is opened when it is first needed, and again when its owner went away. */
export interface Session {
  /** Resolves once the store is open. */
  ready(): Promise<Role["kind"]>;
  readonly call: StoreCall;
  take(body: RawBody): Promise<void>;
  /** Safe twice. */
  close(): Promise<void>;
}

export function createSession(open: () => Promise<Role>): Session {
  let current: Promise<Role> | undefined;
  let closed = false;

  const role = async (): Promise<Role> => {
    const held = current;
    const known = await held?.catch(() => undefined);
    if (closed) throw new LearnError("unavailable", "the store is closed");
    if (known !== undefined && !known.isLost()) return known;
    // Of several callers who find the owner gone, or the opening failed, only the first opens anew.
    if (current === held) current = open();
    return current as Promise<Role>;
  };

  return {
    ready: async () => (await role()).kind,
    call: async (method, args) => {
      const first = await role();
      try {
        return await first.call(method, args);
      } catch (caught) {
        // Once, when the owner went away while it was asked. What it did not answer may have been done: writes stand a second time, except
        // saveItem, which says "conflict".
        if (!first.isLost()) throw caught;
        return (await role()).call(method, args);
      }
    },
    take: async (body) => (await role()).take(body),
    close: async () => {
      if (closed) return;
      closed = true;
      await (await current?.catch(() => undefined))?.close();
    },
  };
}
