import type { Command } from "commander";
import { startCollector } from "../../collector/main.ts";
import { printable } from "../base/text.ts";
import { type OnlineSetting, onlineSetting } from "../knowledge/online-setting.ts";
import { contextOf } from "./context.ts";
import { paint } from "./terminal.ts";

export function addUp(program: Command): void {
  program
    .command("up")
    .description("start the OTLP receiver, the API and the learner loop on one store")
    .option("--otlp-http-port <port>", "OTLP/HTTP port (AGENTLEARN_OTLP_HTTP_PORT, default 4318)")
    .option("--otlp-grpc-port <port>", "OTLP/gRPC port (AGENTLEARN_OTLP_GRPC_PORT, default 4317)")
    .option("--api-port <port>", "API port (AGENTLEARN_API_PORT, default 4320)")
    .option("--host <address>", "address to listen on; beyond loopback it needs AGENTLEARN_TOKEN (AGENTLEARN_HOST, default 127.0.0.1)")
    .option("--allow-open-bind [boolean]", "listen beyond loopback without a token (AGENTLEARN_ALLOW_OPEN_BIND)")
    .option("--tls-cert-file <path>", "certificate chain in PEM; with its key, all ports speak TLS (AGENTLEARN_TLS_CERT_FILE)")
    .option("--tls-key-file <path>", "private key in PEM (AGENTLEARN_TLS_KEY_FILE)")
    .option("--cors-origins <list>", "origins of pages that may send OTLP, * for all (AGENTLEARN_CORS_ORIGINS)")
    .option(
      "--online <on|off>",
      "try candidates, untested, on a capped share of live runs and decide by their outcomes (AGENTLEARN_ONLINE, default off)",
    )
    .option(
      "--activation <how>",
      "what makes an item that passed active: approval, evidence or evidence-untrusted (AGENTLEARN_ACTIVATION, default approval)",
    )
    .option("--online-share <number>", "share of the matching runs for that, at most 0.5 (AGENTLEARN_ONLINE_SHARE, default 0.1)")
    .option(
      "--online-max-runs <n>",
      "most answers that hold one untested item, over all processes (AGENTLEARN_ONLINE_MAX_RUNS, default 500)",
    )
    .option("--max-body-bytes <bytes>", "most bytes of one request, also after decompression (AGENTLEARN_MAX_BODY_BYTES)")
    .action(async (_options: object, command: Command) => up(command));
}

async function up(command: Command): Promise<void> {
  const { config, terminal } = contextOf(command);
  const collector = await startCollector(config, { report: (message) => process.stderr.write(`${printable(message)}\n`) });
  const urls: Urls = {
    otlpHttp: collector.otlpHttpUrl,
    otlpGrpc: collector.otlpGrpcUrl,
    api: collector.apiUrl,
    store: config.store,
    pid: process.pid,
  };
  // One line with --json, so that a script can read it while the process goes on.
  if (terminal.json) process.stdout.write(`${JSON.stringify({ schema: "agentlearn.up/v1", ...urls })}\n`);
  else process.stdout.write(`${banner(urls, onlineSetting(config))}\n`);
  await stopped();
  terminal.note("stopping: answering what is in flight");
  await collector.close();
}

interface Urls {
  readonly otlpHttp: string;
  readonly otlpGrpc: string;
  readonly api: string;
  readonly store: string;
  readonly pid: number;
}

/** Whoever starts it should see that agents may be given what is untested. */
function banner(urls: Urls, online: OnlineSetting | undefined): string {
  return [
    `${paint("bold", "agentlearn is up")}, store ${urls.store}`,
    `  OTLP/HTTP  ${urls.otlpHttp}   export OTEL_EXPORTER_OTLP_ENDPOINT=${urls.otlpHttp}`,
    `  OTLP/gRPC  ${urls.otlpGrpc}`,
    `  API        ${urls.api}   curl '${urls.api}/api/v1/knowledge?task=...'`,
    ...(online === undefined
      ? []
      : [
          `  online     untested candidates in ${Math.round(online.share * 1000) / 10} % of the runs they match, at most ${online.maxRuns} answers each`,
        ]),
    "  then       agentlearn status | agentlearn traces list | agentlearn learn",
  ].join("\n");
}

/** Resolves at the first SIGINT or SIGTERM; a second one ends the process at once. */
function stopped(): Promise<void> {
  return new Promise((resolve) => {
    // Ports are closed by the signal, not by an empty event loop.
    const alive = setInterval(() => {}, 1 << 30);
    const stop = () => {
      clearInterval(alive);
      for (const signal of ["SIGINT", "SIGTERM"] as const) {
        process.off(signal, stop);
        process.once(signal, () => process.exit(1));
      }
      resolve();
    };
    process.on("SIGINT", stop);
    process.on("SIGTERM", stop);
  });
}
