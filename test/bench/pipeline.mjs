import { connect } from "node:net";

/**
 * HTTP/1.1 over one kept connection, several requests under way at a time: node's own client waits for each answer. `send` resolves to the status,
 * or 0 when the connection ended before the answer came; the next request opens another.
 */
export function createPipeline(url) {
  const { hostname, port } = new URL(url);
  let connection;
  return {
    send: ({ signal, type, encoding, body }) => {
      if (connection === undefined || connection.ended) connection = open(hostname, Number(port));
      const encodingLine = encoding === undefined ? "" : `content-encoding: ${encoding}\r\n`;
      const head = `POST /v1/${signal} HTTP/1.1\r\nhost: ${hostname}\r\ncontent-type: ${type}\r\n${encodingLine}content-length: ${body.length}\r\n\r\n`;
      return connection.write(Buffer.from(head), body);
    },
    close: () => connection?.socket.destroy(),
  };
}

function open(host, port) {
  const socket = connect({ host, port, noDelay: true });
  const waiting = [];
  let rest = Buffer.alloc(0);
  const connection = {
    socket,
    ended: false,
    write: (head, body) =>
      new Promise((resolve) => {
        waiting.push(resolve);
        socket.cork();
        socket.write(head);
        socket.write(body);
        socket.uncork();
      }),
  };
  const end = () => {
    connection.ended = true;
    for (const resolve of waiting.splice(0)) resolve(0);
  };
  socket.on("error", end).on("close", end);
  socket.on("data", (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (;;) {
      const headEnd = rest.indexOf("\r\n\r\n");
      if (headEnd < 0) return;
      const head = rest.toString("latin1", 0, headEnd);
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      if (rest.length < headEnd + 4 + length) return;
      rest = rest.subarray(headEnd + 4 + length);
      if (/connection: close/i.test(head)) connection.ended = true;
      waiting.shift()?.(Number(head.slice(9, 12)));
    }
  });
  return connection;
}
