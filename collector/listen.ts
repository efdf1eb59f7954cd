import type { AddressInfo, Server } from "node:net";
import { LearnError, messageOf } from "../src/base/error.ts";

/** A server that accepts, with the port it got (0 asks for a free one). */
export interface Listening {
  readonly port: number;
  /** Stops accepting, lets requests in flight finish, then cuts what is left. Safe twice. Never rejects. */
  close(): Promise<void>;
}

export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  /** What listens, for people: "OTLP over HTTP". */
  readonly what: string;
  /** The flag that chooses another port. */
  readonly flag: string;
}

/** Resolves with the port. Rejects "conflict" when the port is taken and "invalid" when the host or port cannot be used at all. */
export function listen(server: Server, { host, port, what, flag }: ListenOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    const refused = (error: NodeJS.ErrnoException): void => {
      const place = `port ${port} on ${host}`;
      if (error.code === "EADDRINUSE") {
        const hint = `stop the program that uses it, or choose another port with ${flag} N`;
        reject(new LearnError("conflict", `${what} cannot listen: ${place} is in use`, { hint, cause: error }));
        return;
      }
      const hint = `choose another address, or another port with ${flag} N`;
      reject(new LearnError("invalid", `${what} cannot listen on ${place}: ${messageOf(error)}`, { hint, cause: error }));
    };
    server.once("error", refused);
    try {
      server.listen({ host, port }, () => {
        server.off("error", refused);
        // After this point an error concerns one accept, never the server: running out of descriptors passes.
        server.on("error", () => {});
        resolve((server.address() as AddressInfo).port);
      });
    } catch (caught) {
      refused(caught as NodeJS.ErrnoException);
    }
  });
}
