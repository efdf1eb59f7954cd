#!/usr/bin/env node
/**
 * Checks a real collector against OTLP 1.11, requirement by requirement: `npm run conformance [-- --json]`.
 * Prints a Markdown table, or a JSON document; exits 1 when a requirement is not met. Uses free ports of loopback and a temporary store.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startGrpcReceiver } from "../../dist/collector/grpc/receiver.js";
import { startHttpReceiver } from "../../dist/collector/http/receiver.js";
import { defaultLimits } from "../../dist/collector/limits.js";
import { startCollector } from "../../dist/collector/main.js";
import { createOtlpHandler } from "../../dist/collector/request.js";
import { common } from "./requirements-common.mjs";
import { overGrpc, stockExporters } from "./requirements-grpc.mjs";
import { overHttp } from "./requirements-http.mjs";

const SPECIFICATION = "OTLP 1.11.0";
const ROW_TIMEOUT_MS = 30_000;
const TOTAL_TIMEOUT_MS = 150_000;
const TOKEN = "conformance-token";

const asJson = process.argv.includes("--json");
for (const name of Object.keys(process.env)) if (/^(AGENTLEARN|OTEL)_/.test(name)) delete process.env[name];
const watchdog = setTimeout(() => {
  console.error(`not done after ${TOTAL_TIMEOUT_MS / 1000} s`);
  process.exit(1);
}, TOTAL_TIMEOUT_MS);

const folder = mkdtempSync(join(tmpdir(), "agentlearn-conformance-"));
const closers = [];
let rows = [];
try {
  const at = await start();
  rows = await checked([...common, ...overHttp, ...overGrpc, ...stockExporters], at);
} finally {
  for (const close of closers.reverse()) await close();
  rmSync(folder, { recursive: true, force: true });
  clearTimeout(watchdog);
}
report(rows);

/** Three collectors on stores of their own (one takes 1 MiB at most, one asks for a token), and a receiver whose store fails. */
async function start() {
  const plain = await collector("plain", {});
  const small = await collector("small", { maxBodyBytes: 1024 * 1024 });
  const guarded = await collector("guarded", { token: TOKEN });
  return { ...plain, small, guarded, token: TOKEN, away: await withoutStore() };
}

async function collector(name, options) {
  const store = `file:${join(folder, `${name}.db`)}`;
  const running = await startCollector({ store, otlpHttpPort: 0, otlpGrpcPort: 0, apiPort: 0, ...options });
  closers.push(() => running.close());
  return {
    httpUrl: running.otlpHttpUrl,
    grpcUrl: running.otlpGrpcUrl,
    /** What the store holds of a trace, once everything that was answered is mapped. */
    stored: async (traceId) => {
      await running.store.drain({ force: false });
      return running.store.spansOf(traceId);
    },
  };
}

async function withoutStore() {
  let fails = true;
  const append = async () => {
    if (fails) throw new Error("the disk is full");
  };
  const handle = createOtlpHandler({ append, clock: { nowUs: () => Date.now() * 1000 }, limits: defaultLimits });
  const http = await startHttpReceiver({ port: 0, handle, limits: defaultLimits });
  const grpc = await startGrpcReceiver({ port: 0, handle, limits: defaultLimits });
  closers.push(http.close, grpc.close);
  const httpUrl = `http://127.0.0.1:${http.port}`;
  /** Fails for half a second from now. */
  const once = () => {
    fails = true;
    setTimeout(() => {
      fails = false;
    }, 500);
    return httpUrl;
  };
  return { httpUrl, grpcUrl: `http://127.0.0.1:${grpc.port}`, once };
}

async function checked(requirements, at) {
  const results = [];
  for (const [index, { check, ...named }] of requirements.entries()) {
    const problem = await limited(() => check(at)).then(
      () => undefined,
      (error) => (error instanceof Error ? error.message : String(error)),
    );
    results.push({
      number: index + 1,
      ...named,
      result: problem === undefined ? "met" : "NOT MET",
      ...(problem === undefined ? {} : { problem }),
    });
  }
  return results;
}

async function limited(work) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no result after ${ROW_TIMEOUT_MS} ms`)), ROW_TIMEOUT_MS);
  });
  try {
    await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
  }
}

function report(results) {
  const failed = results.filter(({ problem }) => problem !== undefined);
  const summary = { passed: results.length - failed.length, failed: failed.length };
  if (asJson) console.log(JSON.stringify({ schema: "agentlearn.conformance/v1", specification: SPECIFICATION, ...summary, rows: results }));
  else {
    console.log(`| # | transport | section of ${SPECIFICATION} | requirement | check | result |\n| --- | --- | --- | --- | --- | --- |`);
    for (const { number, transport, section, requirement, method, result } of results)
      console.log(`| ${[number, transport, section, requirement, method, result].join(" | ")} |`);
    for (const { number, problem } of failed) console.log(`\n${number}: ${problem}`);
    console.log(`\n${summary.passed} met, ${summary.failed} not met`);
  }
  if (failed.length > 0 || results.length === 0) process.exitCode = 1;
}
