import { createConnection } from "node:net";
import { LearnError } from "../base/error.ts";
import { createFrameReader, encodeFrame } from "./frames.ts";
import { type Answer, type StoreCall, settle, type Waiting } from "./rpc.ts";

export interface StoreConnection {
  readonly call: StoreCall;
  /** False once the other side is gone: what was not answered may or may not have been done. */
  isOpen(): boolean;
  close(): void;
}

// The owner listens on this machine; a socket that does not answer at once belongs to nobody.
const CONNECT_TIMEOUT_MS = 1_000;

/** Connects to the owner of a store. Rejects "unavailable" when nobody listens there. */
export function connectStore(socket: string): Promise<StoreConnection> {
  return new Promise((resolve, reject) => {
    const waiting = new Map<number, Waiting>();
    let nextId = 1;
    let open = false;
    const lost = (): LearnError => new LearnError("unavailable", "the process that owns the store went away", { hint: "try again" });
    const connection = createConnection(socket);
    const timer = setTimeout(() => connection.destroy(), CONNECT_TIMEOUT_MS);
    const read = createFrameReader((message) => settle(waiting, message as Answer));
    const call: StoreCall = (method, args) =>
      new Promise((resolveCall, rejectCall) => {
        if (!open) return rejectCall(lost());
        const id = nextId++;
        waiting.set(id, { resolve: resolveCall, reject: rejectCall });
        connection.write(encodeFrame({ id, method, args }));
      });
    connection.on("connect", () => {
      clearTimeout(timer);
      open = true;
      resolve({ call, isOpen: () => open, close: () => connection.destroy() });
    });
    connection.on("data", (chunk: Buffer) => {
      try {
        read(chunk);
      } catch {
        connection.destroy();
      }
    });
    connection.on("error", () => connection.destroy());
    connection.on("close", () => {
      clearTimeout(timer);
      open = false;
      reject(lost());
      for (const waiter of waiting.values()) waiter.reject(lost());
      waiting.clear();
    });
  });
}
