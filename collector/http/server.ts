import type { Server, ServerOptions } from "node:http";
import { Server as NetServer, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Limits } from "../limits.ts";
import type { Listening } from "../listen.ts";

/** The timeouts of a node:http server under these limits. */
export function serverOptions(limits: Limits): ServerOptions {
  return {
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.idleTimeoutMs,
    // node looks every 30 s by default, which would make a 5 s timeout one of 35 s.
    connectionsCheckingInterval: 1_000,
  };
}

/** Bounds connections and answers what never became a request. `answer` makes the body of such an answer, in JSON. */
export function guardServer(server: Server, limits: Limits, answer: (httpStatus: number, message: string) => string): void {
  server.maxConnections = limits.maxConnections;
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Duplex) => {
    // What failed below HTTP, a TLS handshake above all, has nobody who would understand an answer.
    if (!/^(HPE|ERR_HTTP)_/.test(error.code ?? "") || !socket.writable) {
      socket.destroy();
      return;
    }
    // A slow network passes. 408, node's own answer, makes exporters drop the batch.
    if (error.code === "ERR_HTTP_REQUEST_TIMEOUT")
      raw(socket, "503 Service Unavailable", answer(503, "the request took too long to arrive"));
    else if (error.code === "HPE_HEADER_OVERFLOW")
      raw(socket, "431 Request Header Fields Too Large", answer(431, "the headers are too large"));
    else raw(socket, "400 Bad Request", answer(400, "this is not an HTTP request"));
  });
}

const CLOSE_IDLE_AFTER_MS = 50;

/** Gives `server` its `close`. */
export function closer(server: Server, limits: Limits): Listening["close"] {
  let closing: Promise<void> | undefined;
  const cutAll = trackSockets(server);
  return () => {
    closing ??= new Promise((resolve) => {
      const cut = setTimeout(cutAll, limits.closeTimeoutMs);
      // A connection counts as idle while a request is still on its way to it, so busy ones get the time to send one more, whose answer says
      // `connection: close`. A kept connection turns idle when its last answer is out, so node's one look is not enough.
      const sweep = setInterval(() => server.closeIdleConnections(), CLOSE_IDLE_AFTER_MS);
      // Not server.close(), which cuts the idle at once.
      NetServer.prototype.close.call(server, () => {
        clearTimeout(cut);
        clearInterval(sweep);
        server.close();
        resolve();
      });
    });
    return closing;
  };
}

/** Also those that never came past the TLS handshake, which the server itself does not count as connections. */
export function trackSockets(server: NetServer): () => void {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  return () => {
    for (const socket of sockets) socket.destroy();
  };
}

function raw(socket: Duplex, status: string, body: string): void {
  const retry = status.startsWith("503") ? "Retry-After: 1\r\n" : "";
  const head = `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: application/json\r\n${retry}`;
  socket.end(`${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`, () => socket.destroy());
}
