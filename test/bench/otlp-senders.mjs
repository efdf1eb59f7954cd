import { Agent, request } from "node:http";
import { connect } from "node:http2";

const SERVICES = { traces: "trace.v1.TraceService", logs: "logs.v1.LogsService" };

/** Posts bodies over kept connections; `send` resolves to the HTTP status, or 0 when the connection broke before an answer. */
export function createHttpSender(url, sockets) {
  const agent = new Agent({ keepAlive: true, maxSockets: sockets });
  return {
    send: ({ signal = "traces", type, encoding, body }) =>
      new Promise((resolve) => {
        const headers = { "content-type": type, "content-length": body.length, ...(encoding ? { "content-encoding": encoding } : {}) };
        const outgoing = request(`${url}/v1/${signal}`, { method: "POST", agent, headers }, (response) => {
          response.resume();
          response.on("end", () => resolve(response.statusCode));
          response.on("error", () => resolve(0));
        });
        outgoing.on("error", () => resolve(0));
        outgoing.end(body);
      }),
    close: () => agent.destroy(),
  };
}

/** Calls Export over one connection, and over another when that ends; `send` resolves to the grpc-status, or -1 when no answer came. */
export function createGrpcSender(url) {
  let session;
  const open = () => {
    if (session !== undefined && !session.closed && !session.destroyed) return session;
    // In megabytes. With node's 10 a client that has 20 MiB to say refuses the answer it gets meanwhile.
    session = connect(url, { maxSessionMemory: 1_000 });
    session.on("error", () => {});
    return session;
  };
  return {
    send: ({ signal = "traces", encoding, body }) =>
      sendFrame(open(), {
        signal,
        frame: frameOf(body, encoding === undefined ? 0 : 1),
        ...(encoding === undefined ? {} : { headers: { "grpc-encoding": encoding } }),
      }),
    /** With a frame as it is. */
    sendFrame: (call) => sendFrame(open(), call),
    close: () => session?.destroy(),
  };
}

export function frameOf(body, flag, length = body.length) {
  const head = Buffer.alloc(5);
  head[0] = flag;
  head.writeUInt32BE(length >>> 0, 1);
  return Buffer.concat([head, body]);
}

function sendFrame(session, { signal, frame, headers = {} }) {
  return new Promise((resolve) => {
    let status;
    const take = (received) => {
      const said = received["grpc-status"];
      // What is no gRPC is answered in plain HTTP: told apart as a negative number.
      if (said !== undefined) status = Number(said);
      else if (received[":status"] !== 200) status = -Number(received[":status"]);
    };
    const stream = session.request({
      ":method": "POST",
      ":path": `/opentelemetry.proto.collector.${SERVICES[signal]}/Export`,
      "content-type": "application/grpc",
      te: "trailers",
      ...headers,
    });
    stream.on("response", take);
    stream.on("trailers", take);
    stream.on("error", () => {});
    stream.on("close", () => resolve(status ?? -1));
    stream.resume();
    stream.end(frame);
  });
}
