import type { Role } from "./role.ts";
import type { StoreConnection } from "./socket-client.ts";
import { writeSpool } from "./spool.ts";

/** Uses the running owner of a file: calls go through its socket, spans into the spool, so that no agent ever waits for another process. */
export function createGuestRole(path: string, connection: StoreConnection): Role {
  return {
    kind: "guest",
    call: connection.call,
    take: (body) => writeSpool(path, body),
    isLost: () => !connection.isOpen(),
    close: async () => connection.close(),
  };
}
