import type { Command } from "commander";
import { LearnError } from "../base/error.ts";
import { oneLine } from "../base/text.ts";
import { FINDING_KINDS } from "../knowledge/audit.ts";
import type { AuditReport } from "../learner/audit-desk.ts";
import { contextOf } from "./context.ts";
import { EXIT } from "./exit-code.ts";
import { paint } from "./terminal.ts";

export function addAudit(group: Command): void {
  group
    .command("audit")
    .description("list conflicts, duplicates, and items that are stale, never given, declining, over-broad or unsafe, each with what to do")
    .option("--stale-days <n>", "age from which on an unused item is stale (default 90)")
    .option("--strict", "exit with 1 when anything is found")
    .action(run);
}

async function run(options: { staleDays?: string; strict?: boolean }, command: Command): Promise<void> {
  const { terminal, withDesk } = contextOf(command);
  const staleDays = options.staleDays === undefined ? undefined : Number(options.staleDays);
  if (staleDays !== undefined && !(staleDays > 0))
    throw new LearnError("invalid", `--stale-days ${options.staleDays} is not a number above 0`, { hint: "write --stale-days 90" });
  const report = await withDesk((desk) => desk.audit(staleDays === undefined ? {} : { staleDays }));
  terminal.result("agentlearn.knowledge-audit/v1", report, () => auditText(report));
  if (options.strict === true && report.findings.length > 0) process.exitCode = EXIT.failure;
}

function auditText({ items, findings }: AuditReport): string {
  const counted = `${items} ${items === 1 ? "item" : "items"} looked at`;
  if (findings.length === 0) return `${counted}, nothing found`;
  const lines = FINDING_KINDS.flatMap((kind) => {
    const own = findings.filter((finding) => finding.kind === kind);
    if (own.length === 0) return [];
    return [
      paint("bold", `${kind} (${own.length})`),
      ...own.flatMap(({ itemId, otherId, reason, next }) => [
        `  ${itemId.slice(0, 8)}${otherId === undefined ? "" : ` and ${otherId.slice(0, 8)}`}  ${oneLine(reason, 300)}`,
        `    next: ${oneLine(next, 200)}`,
      ]),
    ];
  });
  return [...lines, `${counted}, ${findings.length} ${findings.length === 1 ? "finding" : "findings"}`].join("\n");
}
