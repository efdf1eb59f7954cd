import type { Command } from "commander";
import { printable } from "../base/text.ts";
import type { AbReport } from "../knowledge/ab-report.ts";
import { effectFor } from "../knowledge/effect.ts";
import { readAbReport } from "../learner/effects.ts";
import { contextOf } from "./context.ts";
import { effectivenessText, liftRange } from "./effect-text.ts";
import { paint, table } from "./terminal.ts";

export function addAbReport(program: Command): void {
  program
    .command("ab-report")
    .description("what each item changes: success share while given, lift over withheld, and whether the arms were fair")
    .action(async (_options: object, command: Command) => {
      const { config, terminal, withStore } = contextOf(command);
      const report = await withStore((store) => readAbReport(store, config.effectAlpha));
      terminal.result("agentlearn.ab-report/v1", report, () => text(report, config.controlShare));
    });
}

function text(report: AbReport, controlShare: number): string {
  const lines = report.warnings.map((warning) => paint("red", printable(warning)));
  if (report.library !== undefined) lines.push(`${paint("bold", "all knowledge")}  ${printable(report.library.summary)}`);
  else if (controlShare === 0) lines.push(paint("dim", "all knowledge: not measured; controlShare is 0, so no run goes without"));
  if (report.items.length === 0) return [...lines, "no active items"].join("\n");
  const rows = report.items.map(({ itemId, status, priority, effect, summary, outOfUse }) => {
    const shown = effectFor(effect) ?? effect.overall;
    return [
      `${itemId.slice(0, 8)}${priority === "pinned" ? "*" : ""}`,
      status,
      effect.verdict,
      effectivenessText(shown),
      liftRange(shown),
      effect.currentModel ?? "-",
      outOfUse?.reason ?? summary,
    ];
  });
  lines.push(table(["id", "status", "verdict", "effectiveness", "lift in points", "model", "finding"], rows));
  lines.push(paint("dim", `intervals hold at every look; at most ${report.alpha * 100} % of items without effect ever get a verdict`));
  return lines.join("\n");
}
