import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { builtFile, cleanEnvironment } from "./stored-spans.mjs";

const READY_TIMEOUT_MS = 30_000;

/** Starts `agentlearn up` on a store and resolves once it said that it is ready: { url, readyMs, kill }. */
export async function startCollector({ store, cwd }) {
  const [http, grpc, api] = await Promise.all([freePort(), freePort(), freePort()]);
  const ports = ["--otlp-http-port", http, "--otlp-grpc-port", grpc, "--api-port", api];
  const began = performance.now();
  const child = spawn(process.execPath, [builtFile("src/cli/main.js"), "up", "--store", `file:${store}`, ...ports.map(String), "--json"], {
    cwd,
    env: cleanEnvironment(),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise((resolve) => child.once("close", resolve));
  try {
    const { otlpHttp } = await readyLine(child);
    return {
      url: otlpHttp,
      readyMs: performance.now() - began,
      /** SIGKILL: nothing in the process can prepare for it. Resolves when it is gone. */
      kill: async () => {
        child.kill("SIGKILL");
        await ended;
      },
    };
  } catch (error) {
    child.kill("SIGKILL");
    await ended;
    throw error;
  }
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
