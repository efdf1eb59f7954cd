import { randomUUID } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createFrameReader, encodeFrame } from "./frames.ts";
import { SOCKET_FOLDER_PREFIX } from "./owner.ts";
import { type Answer, answerTo } from "./rpc.ts";

export interface StoreServer {
  /** Path of the Unix socket, or name of the pipe. */
  readonly socket: string;
  /** Ends all connections. Safe twice. */
  close(): Promise<void>;
}

/**
 * Serves the store to other processes of the same user. The socket lies in a folder of its own that only this user may enter: the permissions of a
 * socket file alone are ignored on some systems.
 */
export async function serveStore(call: (method: unknown, args: unknown) => Promise<unknown>): Promise<StoreServer> {
  const socket = socketPath();
  const open = new Set<Socket>();
  const server = createServer((connection) => {
    open.add(connection);
    connection.on("close", () => open.delete(connection));
    connection.on("error", () => connection.destroy());
    const read = createFrameReader((message) => void reply(connection, message, call));
    connection.on("data", (chunk: Buffer) => {
      try {
        read(chunk);
      } catch {
        // Not one of ours; there is nobody to explain it to.
        connection.destroy();
      }
    });
  });
  await listen(server, socket);
  return {
    socket,
    close: async () => {
      for (const connection of open) connection.destroy();
      await new Promise((resolve) => server.close(resolve));
      if (process.platform !== "win32") rmSync(dirname(socket), { recursive: true, force: true });
    },
  };
}

async function reply(connection: Socket, message: unknown, call: (method: unknown, args: unknown) => Promise<unknown>): Promise<void> {
  const { id, method, args } = message as { id: number; method: unknown; args: unknown };
  const answer = await answerTo(id, () => call(method, args));
  if (!connection.destroyed) connection.write(await frameOf(answer));
}

/** A value that cannot be written becomes an error that can. */
async function frameOf(answer: Answer): Promise<Buffer> {
  try {
    return encodeFrame(answer);
  } catch (caught) {
    return encodeFrame(await answerTo(answer.id, () => Promise.reject(caught)));
  }
}

function socketPath(): string {
  if (process.platform === "win32") return `\\\\.\\pipe\\${SOCKET_FOLDER_PREFIX}${randomUUID()}`;
  const folder = mkdtempSync(join(tmpdir(), SOCKET_FOLDER_PREFIX));
  chmodSync(folder, 0o700);
  return join(folder, "store");
}

function listen(server: Server, socket: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(socket, () => {
      server.off("error", reject);
      server.on("error", () => undefined);
      resolve();
    });
  });
}
