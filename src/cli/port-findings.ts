import { connect as connectHttp2 } from "node:http2";
import { createServer } from "node:net";
import type { Config } from "../config/config.ts";
import type { Finding } from "./finding.ts";

interface WantedPort {
  readonly check: string;
  readonly port: number;
  readonly flag: string;
  readonly speaks: string;
  /** True when what listens there answers as ours does. */
  readonly probe: (origin: string, config: Config) => Promise<boolean>;
}

const PROBE_MS = 2_000;
const EXPORT_PATH = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/**
 * The three ports of `agentlearn up`: free, taken by one that runs, or taken by somebody else. `collectorRuns`: an `agentlearn up` owns the store;
 * undefined when that cannot be known.
 */
export async function portFindings(config: Config, collectorRuns: boolean | undefined): Promise<readonly Finding[]> {
  const wanted: readonly WantedPort[] = [
    { check: "otlp http port", port: config.otlpHttpPort, flag: "--otlp-http-port", speaks: "OTLP", probe: answersOtlp },
    { check: "otlp grpc port", port: config.otlpGrpcPort, flag: "--otlp-grpc-port", speaks: "OTLP over gRPC", probe: answersGrpc },
    { check: "api port", port: config.apiPort, flag: "--api-port", speaks: "as the AgentLearn API", probe: answersHealth },
  ];
  return Promise.all(wanted.map((one) => portFinding(one, config, collectorRuns)));
}

async function portFinding(wanted: WantedPort, config: Config, collectorRuns: boolean | undefined): Promise<Finding> {
  const { check, port, flag, speaks, probe } = wanted;
  const refusal = await bindRefusal(config.host, port);
  if (refusal === undefined) return { check, level: "ok", detail: `${port} is free` };
  const another = `\`agentlearn up ${flag} N\` takes another`;
  if (refusal !== "EADDRINUSE")
    return {
      check,
      level: "fail",
      detail: `${config.host}:${port} cannot be listened on (${refusal})`,
      hint: `${another}, --host another address`,
    };
  const answers = await probe(originOf(config, port), config).catch(() => false);
  if (!answers) return { check, level: "warn", detail: `${port} is taken by something that does not answer ${speaks}`, hint: another };
  if (collectorRuns !== false) return { check, level: "ok", detail: `${port} answers ${speaks}` };
  const detail = `${port} answers ${speaks}, but no \`agentlearn up\` owns this store: it is somebody else's`;
  return { check, level: "warn", detail, hint: `name the store of that one with --store, or ${another}` };
}

/** The code of what stands against listening there; undefined when nothing does. */
function bindRefusal(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
}

function originOf({ host, tlsCertFile }: Config, port: number): string {
  const reachable = { "0.0.0.0": "127.0.0.1", "::": "::1" }[host] ?? host;
  return `${tlsCertFile === undefined ? "http" : "https"}://${reachable.includes(":") ? `[${reachable}]` : reachable}:${port}`;
}

function authorization({ token }: Config): { readonly authorization?: string } {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

/** An empty request stores nothing; a receiver that wants another token is a receiver. */
async function answersOtlp(origin: string, config: Config): Promise<boolean> {
  const { status } = await fetch(`${origin}/v1/traces`, {
    method: "POST",
    headers: { "content-type": "application/x-protobuf", ...authorization(config) },
    body: new Uint8Array(0),
    signal: AbortSignal.timeout(PROBE_MS),
  });
  return [200, 401, 403].includes(status);
}

async function answersHealth(origin: string): Promise<boolean> {
  const answer = await fetch(`${origin}/healthz`, { signal: AbortSignal.timeout(PROBE_MS) });
  const body: unknown = await answer.json();
  return typeof body === "object" && body !== null && (body as { readonly status?: unknown }).status === "ok";
}

function answersGrpc(origin: string, config: Config): Promise<boolean> {
  return new Promise((resolve) => {
    const session = connectHttp2(origin);
    const done = (answers: boolean): void => {
      clearTimeout(timer);
      session.destroy();
      resolve(answers);
    };
    const timer = setTimeout(() => done(false), PROBE_MS);
    session.once("error", () => done(false));
    const call = session.request({
      ":method": "POST",
      ":path": EXPORT_PATH,
      "content-type": "application/grpc",
      te: "trailers",
      ...authorization(config),
    });
    // Any grpc-status: also one that wants another token says what speaks there. It comes with the headers or after them.
    const look = (headers: { readonly "grpc-status"?: unknown }): void => {
      if (headers["grpc-status"] !== undefined) done(true);
    };
    call.once("response", look);
    call.once("trailers", look);
    call.once("error", () => done(false));
    call.once("end", () => setImmediate(done, false));
    call.resume();
    // One message of no bytes, uncompressed.
    call.end(Buffer.alloc(5));
  });
}
