import type { Command } from "commander";
import { contextOf } from "./context.ts";

export function addCanary(group: Command): void {
  group
    .command("canary <id>")
    .description("try an untested candidate in the share of live runs that --canary-share names, where the canary injector is used")
    .option("--reason <text>", "why; stored in the history, needed to begin")
    .option("--end", "out of it again; it stays a candidate")
    .action(canary);
}

async function canary(id: string, options: { readonly reason?: string; readonly end?: boolean }, command: Command): Promise<void> {
  const { terminal, withDesk, config } = contextOf(command);
  const { reason } = options;
  const end = options.end === true;
  const item = await withDesk((desk) =>
    end ? desk.endCanary(id, reason === undefined ? {} : { reason }) : desk.canary(id, { reason: reason ?? "" }),
  );
  const share = `${Math.round(config.canaryShare * 1000) / 10} % of the runs whose injector is canary`;
  terminal.result("agentlearn.knowledge.canary/v1", { item }, () =>
    end ? `${item.id.slice(0, 8)} is a candidate, in no run` : `${item.id.slice(0, 8)} is a candidate, in canary: ${share} may be given it`,
  );
}
