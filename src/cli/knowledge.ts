import type { Command } from "commander";
import { LearnError } from "../base/error.ts";
import { oneLine } from "../base/text.ts";
import { guardRecordOf, quarantineOf, withQuarantine } from "../knowledge/guards/guard-record.ts";
import type { KnowledgeItem } from "../knowledge/knowledge-item.ts";
import { isOnTrial } from "../knowledge/online-trial.ts";
import type { ConflictView } from "../learner/conflict-desk.ts";
import { readItemReport } from "../learner/effects.ts";
import { readGuardReport } from "../learner/guard-report.ts";
import { contextOf } from "./context.ts";
import { effectLines } from "./effect-text.ts";
import { guardLines } from "./guard-text.ts";
import { addAudit } from "./knowledge-audit.ts";
import { addCanary } from "./knowledge-canary.ts";
import { addKnowledgeChanges } from "./knowledge-change.ts";
import { addConflicts, conflictText } from "./knowledge-conflicts.ts";
import { addKnowledgeExchange } from "./knowledge-exchange.ts";
import { addFilter, type FilterFlags, filterOf } from "./knowledge-filter.ts";
import { itemText } from "./knowledge-text.ts";
import { paint, table } from "./terminal.ts";
import { heldLine } from "./verdict.ts";

export function addKnowledge(program: Command): void {
  const group = program.command("knowledge").description("read and decide on knowledge items; ids may be unique prefixes");
  addFilter(group.command("list").description("items, pinned (*) first"))
    .option("--limit <n>", "at most this many (default 100)")
    .action(list);
  group.command("show <id>").description("one item with its effect, evidence and history").action(show);
  addKnowledgeChanges(group);
  addCanary(group);
  addKnowledgeExchange(group);
  addConflicts(group);
  addAudit(group);
}

async function list(options: FilterFlags & { readonly limit?: string }, command: Command): Promise<void> {
  const { terminal, withDesk } = contextOf(command);
  const limit = limitOf(options.limit, 100);
  const [items, views] = await withDesk(async (desk) => {
    const listed = await desk.list({ ...filterOf(options), limit });
    return [listed, listed.some(({ status }) => status === "validated") ? await desk.conflicts() : []] as const;
  });
  const held = items.flatMap((item) => {
    const line = heldLine(item.id, views);
    return line === undefined ? [] : [`${item.id.slice(0, 8)} ${line}`];
  });
  const quarantined = items.flatMap((item) => {
    const reason = quarantineOf(item);
    return reason === undefined ? [] : [{ item, reason }];
  });
  terminal.result("agentlearn.knowledge.list/v1", { items: items.map(withQuarantine) }, () =>
    items.length === 0
      ? "no items"
      : [
          table(
            ["id", "type", "status", "from", "effective", "given", "content"],
            items.map((item) => [
              `${item.id.slice(0, 8)}${item.priority === "pinned" ? "*" : ""}`,
              item.type,
              isOnTrial(item) ? "candidate, on trial" : quarantineOf(item) === undefined ? item.status : "quarantined",
              originMark(item),
              percent(item),
              String(item.counts.given),
              item.content,
            ]),
          ),
          ...quarantined.map(({ item, reason }) => `${item.id.slice(0, 8)} ${paint("red", "quarantined")}: ${oneLine(reason, 300)}`),
          ...held,
          ...(held.length === 0 ? [] : ["next: agentlearn knowledge conflicts"]),
        ].join("\n"),
  );
}

async function show(id: string, _options: object, command: Command): Promise<void> {
  const { config, terminal, withDesk } = contextOf(command);
  const shown = await withDesk(async (desk, store) => {
    const page = await desk.show(id);
    return {
      ...page,
      conflicts: await desk.conflicts({ id }),
      guards: await readGuardReport(store, page.item),
      report: await readItemReport(store, page.item, config.effectAlpha),
    };
  });
  const { item, history, validations, conflicts, guards, report } = shown;
  const value = { item, history, validations, conflicts, guards, effect: report.effect, effectSummary: report.summary };
  terminal.result("agentlearn.knowledge.show/v1", value, () =>
    [
      itemText(item, history, validations, [...guardLines(guards), ...effectLines(report)]),
      ...heldPart(item.id, conflicts),
      ...conflicts.map(conflictText),
    ].join("\n\n"),
  );
}

function heldPart(id: string, views: readonly ConflictView[]): readonly string[] {
  const line = heldLine(id, views);
  return line === undefined ? [] : [`${line}\nnext: agentlearn knowledge conflicts ${id.slice(0, 8)}`];
}

/** "tool+user 3": where its words may come from, and how many independent users or conversations stand behind it. */
function originMark(item: KnowledgeItem): string {
  const record = guardRecordOf(item);
  const sources = (record?.taint ?? item.taint).filter((source) => source !== "model");
  return [sources.length === 0 ? "model" : sources.toSorted().join("+"), ...(record === undefined ? [] : [record.principals])].join(" ");
}

function percent(item: KnowledgeItem): string {
  return item.counts.given === 0 ? "new" : `${Math.round((100 * item.counts.givenSuccess) / item.counts.given)}%`;
}

/** A whole number from 1 to 10,000. */
export function limitOf(text: string | undefined, fallback: number, flag = "--limit"): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 10_000)
    throw new LearnError("invalid", `${flag} ${text} is not a whole number from 1 to 10000`, { hint: `write ${flag} 20` });
  return value;
}
