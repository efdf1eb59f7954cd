/**
 * Clients that keep what they were answered: OTLP over HTTP and over gRPC, by node:http and node:http2, so that no library of an exporter retries,
 * waits or rewords in between.
 *
 * An answer is { kind: "acknowledged" | "partial" | "refused" | "broken" | "unreached", code, transport, retryAfterSeconds }. broken: the connection
 * ended before the answer was whole; unreached: there was none, nobody listens. retryAfterSeconds: of Retry-After over HTTP, of RetryInfo over gRPC; undefined when there was none.
 */
import { Agent, request } from "node:http";
import { connect } from "node:http2";

const EXPORT_PATH = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const GRPC_UNAVAILABLE = 14;
const GRPC_RESOURCE_EXHAUSTED = 8;

/** What a refusal must be for a client to come back soon: 429 or 503, or UNAVAILABLE or RESOURCE_EXHAUSTED, and in one to two seconds. */
export function isProperRefusal({ transport, code, retryAfterSeconds }) {
  const codes = transport === "grpc" ? [GRPC_UNAVAILABLE, GRPC_RESOURCE_EXHAUSTED] : [429, 503];
  return codes.includes(code) && retryAfterSeconds >= 1 && retryAfterSeconds <= 2;
}

export function createHttpClient(url, { connections }) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  return {
    post: ({ headers, body }) =>
      new Promise((resolve) => {
        const broken = (error) => resolve({ kind: kindOf(error), transport: "http" });
        const outgoing = request(
          `${url}/v1/traces`,
          { method: "POST", agent, headers: { ...headers, "content-length": body.length } },
          (response) => {
            const chunks = [];
            response.on("data", (chunk) => chunks.push(chunk));
            response.on("error", broken);
            response.on("close", () => broken());
            response.on("end", () => resolve(httpAnswer(response, Buffer.concat(chunks))));
          },
        );
        outgoing.on("error", broken);
        outgoing.end(body);
      }),
    close: () => agent.destroy(),
  };
}

function kindOf(error) {
  return (error?.cause ?? error)?.code === "ECONNREFUSED" ? "unreached" : "broken";
}

function httpAnswer({ statusCode: code, headers }, body) {
  if (code === 200) return { kind: isPartial(body) ? "partial" : "acknowledged", transport: "http", code };
  const retryAfter = headers["retry-after"];
  return { kind: "refused", transport: "http", code, retryAfterSeconds: retryAfter === undefined ? undefined : Number(retryAfter) };
}

/** An ExportTraceServiceResponse without partial_success is empty in protobuf and `{}` in JSON; `{"partialSuccess":{}}` says the same. */
function isPartial(body) {
  const text = body.toString("latin1").replace(/\s/g, "");
  return !["", "{}", '{"partialSuccess":{}}', "\n\0"].includes(text);
}

/** One connection; calls run side by side on it. Protobuf bodies only. A connection that ended is opened anew with the next call. */
export function createGrpcClient(url) {
  let session;
  const connected = () => {
    if (session === undefined || session.closed || session.destroyed) {
      session = connect(url, { maxSessionMemory: Number.MAX_SAFE_INTEGER, settings: { initialWindowSize: 1 << 20 } });
      session.on("error", () => {});
    }
    return session;
  };
  return {
    post: ({ headers: { "content-encoding": encoding = "identity" }, body }) =>
      new Promise((resolve) => {
        let said = {};
        let error;
        const chunks = [];
        const frame = Buffer.alloc(5);
        frame[0] = encoding === "identity" ? 0 : 1;
        frame.writeUInt32BE(body.length, 1);
        const stream = connected().request({
          ":method": "POST",
          ":path": EXPORT_PATH,
          "content-type": "application/grpc+proto",
          "grpc-encoding": encoding,
          te: "trailers",
        });
        stream.on("response", (headers) => {
          said = { ...said, ...headers };
        });
        stream.on("trailers", (headers) => {
          said = { ...said, ...headers };
        });
        stream.on("data", (chunk) => chunks.push(chunk));
        stream.on("error", (caught) => {
          error = caught;
        });
        stream.on("close", () =>
          resolve(said["grpc-status"] === undefined ? { kind: kindOf(error), transport: "grpc" } : grpcAnswer(said, Buffer.concat(chunks))),
        );
        stream.write(frame);
        stream.end(body);
      }),
    close: () => session?.destroy(),
  };
}

function grpcAnswer(said, message) {
  const code = Number(said["grpc-status"]);
  if (code === 0) return { kind: isPartial(message.subarray(5)) ? "partial" : "acknowledged", transport: "grpc", code };
  return { kind: "refused", transport: "grpc", code, retryAfterSeconds: retryDelayOf(said["grpc-status-details-bin"]) };
}

/** Seconds of the google.rpc.RetryInfo in a google.rpc.Status: an Any whose value is { 1: Duration { 1: seconds } }. */
function retryDelayOf(details) {
  if (details === undefined) return undefined;
  const bytes = Buffer.from(String(details), "base64");
  const name = bytes.indexOf("google.rpc.RetryInfo");
  if (name < 0) return undefined;
  const [valueTag, , durationTag, , secondsTag, seconds] = bytes.subarray(name + "google.rpc.RetryInfo".length);
  return valueTag === 0x12 && durationTag === 0x0a && secondsTag === 0x08 ? seconds : undefined;
}
