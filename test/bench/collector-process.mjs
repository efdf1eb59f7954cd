import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { createGrpcClient, createHttpClient } from "./otlp-clients.mjs";
import { builtFile, cleanEnvironment } from "./stored-spans.mjs";

const READY_TIMEOUT_MS = 30_000;

/** Starts `agentlearn up` on a store and resolves once it said that it is ready: { url, grpcUrl, apiUrl, pid, readyMs, isAlive, end, stop, kill }. */
export async function startCollector({ store, cwd }) {
  const [http, grpc, apiPort] = await Promise.all([freePort(), freePort(), freePort()]);
  const ports = ["--otlp-http-port", http, "--otlp-grpc-port", grpc, "--api-port", apiPort];
  const began = performance.now();
  const child = spawn(process.execPath, [builtFile("src/cli/main.js"), "up", "--store", `file:${store}`, ...ports.map(String), "--json"], {
    cwd,
    env: cleanEnvironment(),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise((resolve) => child.once("close", (code, signal) => resolve({ code, signal })));
  /** Sends a signal and resolves when the process is gone: { code, signal, tookMs }. */
  const end = async (signal) => {
    const sent = performance.now();
    child.kill(signal);
    return { ...(await ended), tookMs: performance.now() - sent };
  };
  try {
    const { otlpHttp, otlpGrpc, api: apiUrl, pid } = await readyLine(child);
    return {
      url: otlpHttp,
      grpcUrl: otlpGrpc,
      apiUrl,
      pid,
      isAlive: () => child.exitCode === null && child.signalCode === null,
      /** SIGTERM: what is in flight is answered. Resolves when it is gone. */
      stop: () => end("SIGTERM"),
      readyMs: performance.now() - began,
      end,
      /** SIGKILL: nothing in the process can prepare for it. Resolves when it is gone. */
      kill: () => end("SIGKILL"),
    };
  } catch (error) {
    await end("SIGKILL");
    throw error;
  }
}

/**
 * Posts with `clients` at a time until `over()`, every fourth client over gRPC as far as its bodies allow. `next()` gives a request of
 * otlp-bodies.mjs, `answered(request, answer)` is told of each answer. A client ends when nobody listens any more. stop() waits for the last answers.
 */
export function postBesides(collector, { clients, next, answered }) {
  const http = createHttpClient(collector.url, { connections: clients });
  const grpc = createGrpcClient(collector.grpcUrl);
  let over = false;
  const client = async (_, index) => {
    while (!over) {
      const request = await next();
      const byGrpc = index % 4 === 3 && request.headers["content-type"] === "application/x-protobuf";
      const answer = await (byGrpc ? grpc : http).post(request);
      if (answer.kind === "unreached") return;
      answered(request, answer);
    }
  };
  const running = Promise.all(Array.from({ length: clients }, client));
  return {
    stop: async () => {
      over = true;
      await running;
      http.close();
      grpc.close();
    },
  };
}

function readyLine(child) {
  return new Promise((resolve, reject) => {
    let output = "";
    let errors = "";
    const give = (settle, value) => {
      clearTimeout(timer);
      settle(value);
    };
    const timer = setTimeout(
      () => give(reject, new Error(`agentlearn up was not ready after ${READY_TIMEOUT_MS} ms: ${reasonIn(errors)}`)),
      READY_TIMEOUT_MS,
    );
    child.stderr.on("data", (chunk) => {
      errors = (errors + chunk).slice(-2_000);
    });
    child.stdout.on("data", (chunk) => {
      output += chunk;
      for (const line of output.split("\n").slice(0, -1)) {
        const said = parsed(line);
        if (said?.schema === "agentlearn.up/v1") give(resolve, said);
      }
    });
    child.once("error", (error) => give(reject, error));
    child.once("exit", (code, signal) =>
      give(reject, new Error(`agentlearn up ended with ${code ?? signal} before it was ready: ${reasonIn(errors)}`)),
    );
  });
}

/** The line that names the error, or the last one. */
function reasonIn(errors) {
  return /^\S*Error\b.*$/m.exec(errors)?.[0] ?? errors.trim().split("\n").at(-1);
}

function parsed(line) {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
