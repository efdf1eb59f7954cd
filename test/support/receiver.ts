import { connect, type IncomingHttpHeaders } from "node:http2";
import type { ReceiverCounts } from "../../collector/counts.ts";
import { startGrpcReceiver } from "../../collector/grpc/receiver.ts";
import { startHttpReceiver } from "../../collector/http/receiver.ts";
import { defaultLimits, type Limits } from "../../collector/limits.ts";
import type { Listening } from "../../collector/listen.ts";
import { createOtlpHandler } from "../../collector/request.ts";
import type { TlsKeys } from "../../collector/tls.ts";
import type { RawBody } from "../../src/store/ports.ts";

export interface TestReceiver extends Listening {
  readonly url: string;
  /** What was appended, in order. */
  readonly bodies: readonly RawBody[];
  counts(): ReceiverCounts;
}

export interface TestReceiverOptions {
  readonly limits?: Partial<Limits>;
  readonly token?: string;
  readonly tls?: TlsKeys;
  /** Over HTTP. */
  readonly corsOrigins?: readonly string[];
  /** Runs before each append; what it throws is what the store throws. */
  readonly beforeAppend?: () => Promise<void> | void;
}

export const NOW_US = 1_790_000_000_000_000;

/** A receiver on a free port whose store is a list. */
export async function startReceiver(transport: "http" | "grpc", options: TestReceiverOptions = {}): Promise<TestReceiver> {
  const { limits: _limits, beforeAppend, ...rest } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const bodies: RawBody[] = [];
  const append = async (batch: readonly RawBody[]) => {
    await beforeAppend?.();
    // A real store moves the buffer to its thread; whoever touched it after that would see it empty.
    for (const raw of batch) bodies.push({ ...raw, body: structuredClone(raw.body, { transfer: [raw.body.buffer as ArrayBuffer] }) });
  };
  const handle = createOtlpHandler({ append, clock: { nowUs: () => NOW_US }, limits });
  const start = transport === "http" ? startHttpReceiver : startGrpcReceiver;
  const listening = await start({ port: 0, handle, limits, ...rest });
  return { ...listening, bodies, counts: handle.counts, url: `${rest.tls === undefined ? "http" : "https"}://127.0.0.1:${listening.port}` };
}

export interface StatusFields {
  readonly code: number;
  readonly message: string;
  /** Type names of the details, without their prefix. */
  readonly details: readonly string[];
}

/** Decodes google.rpc.Status from protobuf, independently of the code under test. */
export function decodeStatus(bytes: Uint8Array): StatusFields {
  const fields = fieldsOf(bytes);
  const details = fields.filter(([field]) => field === 3).map(([, value]) => text(fieldsOf(value as Uint8Array)[0]?.[1]));
  return {
    code: Number(fields.find(([field]) => field === 1)?.[1] ?? 0),
    message: text(fields.find(([field]) => field === 2)?.[1]),
    details: details.map((url) => url.replace("type.googleapis.com/google.rpc.", "")),
  };
}

function text(value: unknown): string {
  return Buffer.from((value as Uint8Array | undefined) ?? new Uint8Array(0)).toString();
}

function fieldsOf(bytes: Uint8Array): [field: number, value: number | Uint8Array][] {
  const fields: [number, number | Uint8Array][] = [];
  let at = 0;
  const number = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error("cut off");
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = number();
    if ((tag & 7) === 0) fields.push([tag >> 3, number()]);
    else {
      const length = number();
      fields.push([tag >> 3, bytes.slice(at, at + length)]);
      at += length;
    }
  }
  return fields;
}

export interface GrpcAnswer {
  readonly headers: IncomingHttpHeaders;
  /** Of the trailers, or of the headers where there are no others. */
  readonly status: number;
  readonly message: string;
  readonly details: StatusFields | undefined;
  readonly body: Buffer;
}

export const TRACE_EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/** One call over a connection of its own; the request goes out as the given DATA chunks. `ca` makes it TLS. */
export function grpcCall(
  port: number,
  chunks: readonly Uint8Array[],
  headers: Record<string, string> = {},
  ca?: Uint8Array,
): Promise<GrpcAnswer> {
  return new Promise((resolve, reject) => {
    const session = ca === undefined ? connect(`http://127.0.0.1:${port}`) : connect(`https://127.0.0.1:${port}`, { ca: Buffer.from(ca) });
    session.on("error", reject);
    const stream = session.request({
      ":method": "POST",
      ":path": TRACE_EXPORT,
      "content-type": "application/grpc",
      te: "trailers",
      ...headers,
    });
    let received: IncomingHttpHeaders = {};
    let trailers: IncomingHttpHeaders = {};
    const body: Buffer[] = [];
    stream.on("response", (value) => {
      received = value;
    });
    stream.on("trailers", (value) => {
      trailers = value;
    });
    stream.on("data", (chunk: Buffer) => body.push(chunk));
    stream.on("error", reject);
    stream.on("close", () => {
      session.close();
      if (received[":status"] === undefined) reject(new Error("the connection closed without an answer"));
      const last: IncomingHttpHeaders = { ...received, ...trailers };
      const details = last["grpc-status-details-bin"] as string | undefined;
      resolve({
        headers: received,
        status: Number(last["grpc-status"]),
        message: decodeURIComponent(String(last["grpc-message"] ?? "")),
        details: details === undefined ? undefined : decodeStatus(Buffer.from(details, "base64")),
        body: Buffer.concat(body),
      });
    });
    void sendSlowly();

    async function sendSlowly(): Promise<void> {
      for (const chunk of chunks) {
        stream.write(chunk);
        await new Promise((next) => setImmediate(next));
      }
      stream.end();
    }
  });
}

export function grpcFrame(message: Uint8Array, flag = 0, length = message.length): Buffer {
  const head = Buffer.alloc(5, flag);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, message]);
}
