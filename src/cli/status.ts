import type { Command } from "commander";
import type { Diagnostics, StoreStatus } from "../store/ports.ts";
import { contextOf } from "./context.ts";
import { contentHint, contentText, inferredText, lossText } from "./diagnostics-text.ts";
import { paint } from "./terminal.ts";

export function addStatus(program: Command): void {
  program
    .command("status")
    .description("what the store holds: traces by outcome, knowledge by state, what waits, what is missing in the traces")
    .action(async (_options: object, command: Command) => {
      const { config, terminal, withStore } = contextOf(command);
      const [status, diagnostics] = await withStore(async (store) => [await store.status(), await store.diagnostics()] as const);
      terminal.result("agentlearn.status/v1", { store: config.store, ...status, diagnostics }, () =>
        text(config.store, status, diagnostics),
      );
    });
}

function text(url: string, status: StoreStatus, diagnostics: Diagnostics): string {
  const { traces, knowledge } = status;
  const states = ["candidate", "validated", "active", "deprecated", "archived"].map((state) => `${knowledge[state] ?? 0} ${state}`);
  const lines = [
    `${paint("bold", "store")}      ${url} (schema ${status.schemaVersion})`,
    `${paint("bold", "traces")}     ${traces.total}: ${traces.success} success, ${traces.failure} failure, ${traces.partial} partial, ${traces.unjudged} not judged`,
    `${paint("bold", "waiting")}    ${status.unmappedBodies} requests to map, ${status.pendingTraces} traces to complete, ${status.unanalyzed} to learn from`,
    `${paint("bold", "knowledge")}  ${states.join(", ")}`,
    `${paint("bold", "eval cases")} ${status.evalCases}`,
    `${paint("bold", "losses")}     ${lossText(diagnostics, status)}`,
    `${paint("bold", "inferred")}   ${inferredText(diagnostics)}`,
    ...diagnostics.scopes.map((scope) => `${paint("bold", "content")}    ${contentText(scope)}`),
  ];
  const next = nextStep(status, diagnostics);
  return next === undefined ? lines.join("\n") : `${lines.join("\n")}\n${paint("dim", `next: ${next}`)}`;
}

function nextStep(status: StoreStatus, { scopes: [worst] }: Diagnostics): string | undefined {
  if (status.traces.total === 0) return "point an exporter here: OTEL_EXPORTER_OTLP_ENDPOINT, see `agentlearn up`";
  const silent = worst === undefined ? undefined : contentHint(worst);
  if (silent !== undefined) return silent;
  if (status.unanalyzed > 0) return "`agentlearn learn`";
  if ((status.knowledge["validated"] ?? 0) > 0)
    return "`agentlearn knowledge list --status validated`, then `agentlearn knowledge approve ID`";
  if ((status.knowledge["candidate"] ?? 0) > 0) return "`agentlearn knowledge list --status candidate`";
  return undefined;
}
