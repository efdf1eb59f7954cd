import type { Command } from "commander";
import type { StoreStatus } from "../store/ports.ts";
import { contextOf } from "./context.ts";
import { paint } from "./terminal.ts";

export function addStatus(program: Command): void {
  program
    .command("status")
    .description("what the store holds: traces by outcome, knowledge by state, what waits")
    .action(async (_options: object, command: Command) => {
      const { config, terminal, withStore } = contextOf(command);
      const status = await withStore((store) => store.status());
      terminal.result("agentlearn.status/v1", { store: config.store, ...status }, () => text(config.store, status));
    });
}

function text(url: string, status: StoreStatus): string {
  const { traces, knowledge } = status;
  const states = ["candidate", "validated", "active", "deprecated", "archived"].map((state) => `${knowledge[state] ?? 0} ${state}`);
  const lines = [
    `${paint("bold", "store")}      ${url} (schema ${status.schemaVersion})`,
    `${paint("bold", "traces")}     ${traces.total}: ${traces.success} success, ${traces.failure} failure, ${traces.partial} partial, ${traces.unjudged} not judged`,
    `${paint("bold", "waiting")}    ${status.unmappedBodies} requests to map, ${status.pendingTraces} traces to complete, ${status.unanalyzed} to learn from`,
    `${paint("bold", "knowledge")}  ${states.join(", ")}`,
    `${paint("bold", "eval cases")} ${status.evalCases}`,
  ];
  const next = nextStep(status);
  return next === undefined ? lines.join("\n") : `${lines.join("\n")}\n${paint("dim", `next: ${next}`)}`;
}

function nextStep(status: StoreStatus): string | undefined {
  if (status.traces.total === 0) return "point an exporter here: OTEL_EXPORTER_OTLP_ENDPOINT, see `agentlearn up`";
  if (status.unanalyzed > 0) return "`agentlearn learn`";
  if ((status.knowledge["validated"] ?? 0) > 0)
    return "`agentlearn knowledge list --status validated`, then `agentlearn knowledge approve ID`";
  if ((status.knowledge["candidate"] ?? 0) > 0) return "`agentlearn knowledge list --status candidate`";
  return undefined;
}
