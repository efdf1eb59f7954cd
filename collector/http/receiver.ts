import { createServer, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { fromUnknown, type LearnError } from "../../src/base/error.ts";
import { createBearerCheck } from "../bearer.ts";
import { type BufferBudget, createBufferBudget } from "../buffer-budget.ts";
import type { Limits } from "../limits.ts";
import { type Listening, listen } from "../listen.ts";
import { encodeStatus, encodeSuccess, statusOf } from "../otlp/answer.ts";
import { bodyTooLarge, readBody } from "../read-body.ts";
import type { OtlpContentType, OtlpEncoding, OtlpHandler, OtlpSignal } from "../request.ts";
import { GRPC, otlpStatus, RETRY_AFTER_SECONDS } from "../status.ts";
import { type TlsKeys, tlsServerOptions } from "../tls.ts";
import { createCors } from "./cors.ts";
import { closer, guardServer, serverOptions } from "./server.ts";

export interface ReceiverOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** 0 asks for a free port. */
  readonly port: number;
  readonly handle: OtlpHandler;
  readonly limits: Limits;
  /** Shared by the receivers of one process. Default one of its own, of `limits.maxBufferedBytes`. */
  readonly budget?: BufferBudget;
  /** When set, every request must carry `Authorization: Bearer <token>`. */
  readonly token?: string;
  /** When set, nothing but TLS is spoken. */
  readonly tls?: TlsKeys;
}

export interface HttpReceiverOptions extends ReceiverOptions {
  /** Origins of pages that may send, or "*". Default none. */
  readonly corsOrigins?: readonly string[];
}

const SIGNALS: ReadonlyMap<string, OtlpSignal> = new Map([
  ["/v1/traces", "traces"],
  ["/v1/logs", "logs"],
  ["/v1/metrics", "metrics"],
]);

/** By the names that senders use: x-gzip is that of HTTP/1.0, zlib one that the OpenTelemetry Collector can be set to. */
const ENCODINGS: ReadonlyMap<string, OtlpEncoding> = new Map([
  ["", "identity"],
  ["identity", "identity"],
  ["gzip", "gzip"],
  ["x-gzip", "gzip"],
  ["deflate", "deflate"],
  ["zlib", "deflate"],
  ["br", "br"],
  ["zstd", "zstd"],
]);
const ACCEPTED_ENCODINGS = "gzip, deflate, br, zstd, identity";

/** A refusal that belongs to HTTP and not to the body. */
interface HttpRefusal {
  readonly httpStatus: number;
  readonly grpcCode: number;
  readonly message: string;
  readonly headers?: OutgoingHttpHeaders;
}

/** OTLP over HTTP. Rejects "conflict" when the port is taken. */
export async function startHttpReceiver(options: HttpReceiverOptions): Promise<Listening> {
  const { host = "127.0.0.1", port, handle, limits, token, tls, corsOrigins = [] } = options;
  const authorized = createBearerCheck(token);
  const cors = createCors(corsOrigins);
  const budget = options.budget ?? createBufferBudget(limits.maxBufferedBytes);
  let closing = false;

  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    serve(request, response).catch((caught: unknown) => {
      // Nothing above is known to throw; if it does, it is one request that suffers.
      request.resume();
      if (!response.headersSent) refuse(request, response, fromUnknown(caught, "the request failed", "unavailable"));
      else response.destroy();
    });
  };
  const server =
    tls === undefined
      ? createServer(serverOptions(limits), onRequest)
      : createTlsServer({ ...serverOptions(limits), ...tlsServerOptions(tls, limits) }, onRequest);
  // Who asks first is answered from the head: a refused body is never sent.
  server.on("checkContinue", onRequest);
  guardServer(server, limits, (httpStatus, message) => {
    handle.answered({ transport: "http", signal: "other", encoding: "other", code: httpStatus });
    const retryable = httpStatus === 503;
    const grpcCode = retryable ? GRPC.unavailable : GRPC.invalidArgument;
    return Buffer.from(encodeStatus({ grpcCode, message, retryable }, "application/json")).toString();
  });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const preflight = SIGNALS.has(pathOf(request)) ? cors.preflight(request.method, request.headers) : undefined;
    if (preflight !== undefined) {
      request.resume();
      response.writeHead(204, preflight).end();
      return;
    }
    const refusal = authorized(request.headers.authorization) ? (checkHead(request) ?? checkOrigin(request)) : UNAUTHORIZED;
    if (refusal !== undefined) {
      request.resume();
      const type = answerType(request);
      send(request, response, refusal.httpStatus, type, encodeStatus({ ...refusal, retryable: false }, type), refusal.headers);
      return;
    }
    const signal = SIGNALS.get(pathOf(request)) as OtlpSignal;
    const contentType = contentTypeOf(request) as OtlpContentType;
    const account = budget.open();
    let handed = false;
    try {
      const announced = Number(request.headers["content-length"] ?? 0);
      if (announced > limits.maxBodyBytes) {
        request.resume();
        throw bodyTooLarge(limits.maxBodyBytes);
      }
      if (request.headers.expect !== undefined) response.writeContinue();
      const call = { signal, contentType, encoding: encodingOf(request) as OtlpEncoding };
      const reader = handle.watch(call);
      const { body } = await readBody(request, {
        maxBytes: limits.maxBodyBytes,
        account,
        announced: () => announced,
        ownsChunks: true,
        watch: () => reader?.feed,
      });
      handed = true;
      const result = await handle({ ...call, body, account, ...(reader === undefined ? {} : { reader }) });
      if (result.kind === "refused") throw result.error;
      send(request, response, 200, contentType, encodeSuccess(signal, contentType, result));
    } catch (caught) {
      refuse(request, response, fromUnknown(caught, "the request failed", "unavailable"));
    } finally {
      if (!handed) account.close();
    }
  }

  /** A page in a browser on this machine must not teach an agent. With a token it cannot: it does not know it. */
  function checkOrigin(request: IncomingMessage): HttpRefusal | undefined {
    return token !== undefined || cors.allows(request.headers) ? undefined : FOREIGN_PAGE;
  }

  function refuse(request: IncomingMessage, response: ServerResponse, error: LearnError): void {
    const { httpStatus, retryable } = otlpStatus(error.code);
    const type = answerType(request);
    const headers = retryable ? { "retry-after": String(RETRY_AFTER_SECONDS) } : {};
    send(request, response, httpStatus, type, encodeStatus(statusOf(error), type), headers);
  }

  function send(
    request: IncomingMessage,
    response: ServerResponse,
    status: number,
    type: OtlpContentType,
    body: Uint8Array,
    headers: OutgoingHttpHeaders = {},
  ): void {
    const signal = SIGNALS.get(pathOf(request)) ?? "other";
    handle.answered({ transport: "http", signal, encoding: encodingOf(request) ?? "other", code: response.destroyed ? 499 : status });
    if (response.destroyed) return;
    // After an early answer to Expect nobody knows whether the body still comes, so the connection cannot be used again.
    const connection = closing || (status !== 200 && request.headers.expect !== undefined) ? { connection: "close" } : {};
    response.writeHead(status, {
      ...cors.answerHeaders(request.headers),
      ...headers,
      ...connection,
      "content-type": type,
      "content-length": body.byteLength,
    });
    response.end(body);
  }

  const bound = await listen(server, { host, port, what: "OTLP over HTTP", flag: "--otlp-http-port" });
  const closeServer = closer(server, limits);
  return {
    port: bound,
    close: () => {
      closing = true;
      return closeServer();
    },
  };
}

const UNAUTHORIZED: HttpRefusal = {
  httpStatus: 401,
  grpcCode: GRPC.unauthenticated,
  message: "a token is needed: set OTEL_EXPORTER_OTLP_HEADERS to Authorization=Bearer%20<token>",
  headers: { "www-authenticate": "Bearer" },
};

const FOREIGN_PAGE: HttpRefusal = {
  httpStatus: 403,
  grpcCode: GRPC.permissionDenied,
  message: "pages of this origin may not send here: add it to corsOrigins (AGENTLEARN_CORS_ORIGINS)",
};

function checkHead(request: IncomingMessage): HttpRefusal | undefined {
  if (!SIGNALS.has(pathOf(request))) {
    return { httpStatus: 404, grpcCode: GRPC.notFound, message: "no such path: post to /v1/traces, /v1/logs or /v1/metrics" };
  }
  if (request.method !== "POST") {
    return { httpStatus: 405, grpcCode: GRPC.unimplemented, message: "only POST is allowed here", headers: { allow: "POST" } };
  }
  if (contentTypeOf(request) === undefined) {
    const message = "the content type is not supported: send application/x-protobuf or application/json";
    return {
      httpStatus: 415,
      grpcCode: GRPC.invalidArgument,
      message,
      headers: { "accept-post": "application/x-protobuf, application/json" },
    };
  }
  if (encodingOf(request) === undefined) {
    const message = `the content encoding is not supported: send one of ${ACCEPTED_ENCODINGS}`;
    return { httpStatus: 415, grpcCode: GRPC.invalidArgument, message, headers: { "accept-encoding": ACCEPTED_ENCODINGS } };
  }
  return undefined;
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? "").split("?", 1)[0] as string;
}

function contentTypeOf(request: IncomingMessage): OtlpContentType | undefined {
  const type = (request.headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase();
  return type === "application/x-protobuf" || type === "application/json" ? type : undefined;
}

function encodingOf(request: IncomingMessage): OtlpEncoding | undefined {
  return ENCODINGS.get((request.headers["content-encoding"] ?? "").trim().toLowerCase());
}

/** Answers speak the type of the request; where that is none of ours a person may be reading, so JSON. */
function answerType(request: IncomingMessage): OtlpContentType {
  return contentTypeOf(request) ?? "application/json";
}
