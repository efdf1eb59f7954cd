/** One sender for each of the three ways OTLP is spoken. All give { ok, code, partial, status, headers, bytes, retryAfter }. */
import { request } from "node:http";
import { connect } from "node:http2";
import { decodePartial, decodeStatus, encode, partialFromJson, statusFromJson } from "./wire.mjs";

const REQUEST = { traces: "TracesRequest", logs: "LogsRequest", metrics: "MetricsRequest" };
const SERVICE = { traces: "trace.v1.TraceService", logs: "logs.v1.LogsService", metrics: "metrics.v1.MetricsService" };
export const PROTOBUF = "application/x-protobuf";
export const JSON_TYPE = "application/json";

/** A raw HTTP exchange: { status, headers, body }. `chunked` leaves Content-Length out. */
export function http(url, { method = "POST", headers = {}, body = Buffer.alloc(0), chunked = false, agent } = {}) {
  return new Promise((resolve, reject) => {
    const length = chunked || method === "GET" ? {} : { "content-length": body.length };
    const sent = request(url, { method, headers: { ...length, ...headers }, agent }, (response) => {
      const parts = [];
      const port = response.socket.localPort;
      response.on("data", (part) => parts.push(part));
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts), port }));
    });
    sent.on("error", reject);
    if (chunked) for (let at = 0; at < body.length; at += 1000) sent.write(body.subarray(at, at + 1000));
    sent.end(chunked ? undefined : body);
  });
}

function overHttp(name, type) {
  const json = type === JSON_TYPE;
  return {
    name,
    http: true,
    type,
    body: (signal, message) => (json ? Buffer.from(JSON.stringify(message)) : encode(REQUEST[signal], message)),
    async send({ httpUrl }, signal, message, { raw, compress, encoding, headers = {}, chunked, agent } = {}) {
      const plain = raw ?? this.body(signal, message);
      const answer = await http(`${httpUrl}/v1/${signal}`, {
        headers: { "content-type": type, ...(encoding === undefined ? {} : { "content-encoding": encoding }), ...headers },
        body: compress === undefined ? plain : compress(plain),
        chunked,
        agent,
      });
      const ok = answer.status === 200;
      const read = () => (json ? JSON.parse(answer.body.toString()) : answer.body);
      return {
        ok,
        code: answer.status,
        headers: answer.headers,
        bytes: answer.body,
        port: answer.port,
        retryAfter: answer.headers["retry-after"],
        partial: ok ? (json ? partialFromJson(read()) : decodePartial(read())) : undefined,
        status: ok ? undefined : json ? statusFromJson(read()) : decodeStatus(read()),
      };
    },
  };
}

export const PROTOBUF_HTTP = overHttp("HTTP/protobuf", PROTOBUF);
export const JSON_HTTP = overHttp("HTTP/JSON", JSON_TYPE);

export const GRPC = {
  name: "gRPC",
  http: false,
  body: (signal, message) => encode(REQUEST[signal], message),
  async send({ grpcUrl }, signal, message, { raw, compress, encoding, headers = {}, frames, session } = {}) {
    const plain = raw ?? this.body(signal, message);
    const content = compress === undefined ? plain : compress(plain);
    const answer = await grpc(grpcUrl, {
      path: `/opentelemetry.proto.collector.${SERVICE[signal]}/Export`,
      headers: { ...(encoding === undefined ? {} : { "grpc-encoding": encoding }), ...headers },
      bytes: frames ?? frame(content, compress === undefined ? 0 : 1),
      session,
    });
    const ok = answer.code === 0;
    return { ...answer, ok, partial: ok ? decodePartial(answer.bytes.subarray(5)) : undefined };
  },
};

export const TRANSPORTS = [PROTOBUF_HTTP, JSON_HTTP, GRPC];

export function frame(message, flag) {
  const head = Buffer.alloc(5);
  head[0] = flag;
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** One call, over a connection of its own unless `session` is given. */
export function grpc(url, { path, headers, bytes, session }) {
  return new Promise((resolve, reject) => {
    const own = session ?? connect(url);
    const fail = (error) => {
      if (session === undefined) own.destroy();
      reject(error);
    };
    if (session === undefined) own.on("error", fail);
    const stream = own.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
      ...headers,
    });
    let [first, trailers] = [{}, {}];
    const parts = [];
    stream.on("response", (received) => {
      first = received;
    });
    stream.on("trailers", (received) => {
      trailers = received;
    });
    stream.on("data", (part) => parts.push(part));
    stream.on("error", fail);
    stream.on("close", () => {
      if (session === undefined) own.close();
      const last = { ...first, ...trailers };
      const details = last["grpc-status-details-bin"];
      resolve({
        code: last["grpc-status"] === undefined ? undefined : Number(last["grpc-status"]),
        httpStatus: first[":status"],
        headers: first,
        trailers,
        bytes: Buffer.concat(parts),
        status: details === undefined ? undefined : decodeStatus(Buffer.from(details, "base64")),
      });
    });
    stream.end(bytes);
  });
}
