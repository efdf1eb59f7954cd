import type { Command } from "commander";
import { LearnError } from "../base/error.ts";
import { oneLine, printable } from "../base/text.ts";
import type { HistoryEntry, KnowledgeItem, KnowledgeStatus, Validation } from "../knowledge/knowledge-item.ts";
import type { KnowledgeDesk } from "../learner/knowledge-desk.ts";
import { contextOf } from "./context.ts";
import { addAudit } from "./knowledge-audit.ts";
import { addConflicts, conflictText } from "./knowledge-conflicts.ts";
import { paint, table } from "./terminal.ts";

const STATES: readonly KnowledgeStatus[] = ["candidate", "validated", "active", "deprecated", "archived"];

export function addKnowledge(program: Command): void {
  const group = program.command("knowledge").description("read and decide on knowledge items; ids may be unique prefixes");
  group
    .command("list")
    .description("items, pinned (*) first")
    .option("--status <status>", `one of ${STATES.join(", ")}`)
    .option("--limit <n>", "at most this many (default 100)")
    .action(list);
  group.command("show <id>").description("one item with its evidence and history").action(show);
  group
    .command("approve <id>")
    .description("make a validated item active; an untested candidate needs --reason, by which you vouch for it")
    .option("--reason <text>", "why; stored in the history")
    .action(decision("approve", (desk, id, reason) => desk.approve(id, reason === undefined ? {} : { reason })));
  group
    .command("reject <id>")
    .description("archive an item")
    .requiredOption("--reason <text>", "why; stored in the history")
    .action(decision("reject", (desk, id, reason) => desk.reject(id, { reason: reason ?? "" })));
  group
    .command("edit <id>")
    .description("change the text; the item is a candidate again, since its evidence belonged to the old words")
    .option("--content <text>", "the new instruction")
    .option("--applies-when <text>", "the new condition")
    .requiredOption("--reason <text>", "why; stored in the history")
    .action(edit);
  group
    .command("deprecate <id>")
    .description("take an item out of use")
    .requiredOption("--reason <text>", "why; stored in the history")
    .action(decision("deprecate", (desk, id, reason) => desk.deprecate(id, { reason: reason ?? "" })));
  group
    .command("restore <id>")
    .description("make a candidate of a deprecated or archived item, to be tested again")
    .action(decision("restore", (desk, id) => desk.restore(id)));
  group
    .command("pin <id>")
    .description("always inject this active item")
    .action(decision("pin", (desk, id) => desk.pin(id)));
  group
    .command("unpin <id>")
    .description("inject it only when it fits the task")
    .action(decision("unpin", (desk, id) => desk.unpin(id)));
  addConflicts(group);
  addAudit(group);
}

async function list(options: { status?: string; limit?: string }, command: Command): Promise<void> {
  const { terminal, withDesk } = contextOf(command);
  const status = options.status as KnowledgeStatus | undefined;
  if (status !== undefined && !STATES.includes(status))
    throw new LearnError("invalid", `--status ${status} is not a state`, { hint: `one of ${STATES.join(", ")}` });
  const limit = limitOf(options.limit, 100);
  const items = await withDesk((desk) => desk.list({ ...(status === undefined ? {} : { status }), limit }));
  terminal.result("agentlearn.knowledge.list/v1", { items }, () =>
    items.length === 0
      ? "no items"
      : table(
          ["id", "type", "status", "effective", "given", "content"],
          items.map((item) => [
            `${item.id.slice(0, 8)}${item.priority === "pinned" ? "*" : ""}`,
            item.type,
            item.status,
            percent(item),
            String(item.counts.given),
            item.content,
          ]),
        ),
  );
}

async function show(id: string, _options: object, command: Command): Promise<void> {
  const { terminal, withDesk } = contextOf(command);
  const shown = await withDesk(async (desk) => ({ ...(await desk.show(id)), conflicts: await desk.conflicts({ id }) }));
  terminal.result("agentlearn.knowledge.show/v1", shown, () =>
    [itemText(shown.item, shown.history, shown.validations), ...shown.conflicts.map(conflictText)].join("\n\n"),
  );
}

async function edit(id: string, options: { content?: string; appliesWhen?: string; reason: string }, command: Command): Promise<void> {
  const { terminal, withDesk } = contextOf(command);
  const { item, conflicts } = await withDesk(async (desk) => {
    const edited = await desk.edit(id, options);
    return { item: edited, conflicts: await desk.conflicts({ id: edited.id }) };
  });
  terminal.result("agentlearn.knowledge.edit/v1", { item, conflicts }, () =>
    [`${item.id.slice(0, 8)} is ${item.status}: ${printable(item.content)}`, ...conflicts.map(conflictText)].join("\n\n"),
  );
}

type Act = (desk: KnowledgeDesk, id: string, reason: string | undefined) => Promise<KnowledgeItem>;

function decision(verb: string, act: Act): (id: string, options: { reason?: string }, command: Command) => Promise<void> {
  return async (id, options, command) => {
    const { terminal, withDesk } = contextOf(command);
    const item = await withDesk((desk) => act(desk, id, options.reason));
    terminal.result(
      `agentlearn.knowledge.${verb}/v1`,
      { item },
      () => `${item.id.slice(0, 8)} is ${item.status}${item.priority === "pinned" ? ", pinned" : ""}`,
    );
  };
}

/** One item as a page: text, where it comes from, what was tested, what happened to it. */
export function itemText(item: KnowledgeItem, history: readonly HistoryEntry[], validations: readonly Validation[]): string {
  const lines = [
    `${paint("bold", item.id)}  ${item.type}  ${item.status}${item.priority === "pinned" ? "  pinned" : ""}  version ${item.version}`,
    "",
    printable(item.content),
    "",
    `applies when  ${oneLine(item.appliesWhen, 300)}`,
    `from traces   ${item.sourceTraceIds
      .slice(0, 5)
      .map((id) => id.slice(0, 12))
      .join(", ")}${item.sourceTraceIds.length > 5 ? ` and ${item.sourceTraceIds.length - 5} more` : ""} (${item.analyzer})`,
    `taint         ${item.taint.join(", ") || "none"}`,
    `exposure      given ${item.counts.given} (${item.counts.givenSuccess} succeeded), withheld ${item.counts.withheld} (${item.counts.withheldSuccess} succeeded)`,
  ];
  for (const validation of validations) {
    lines.push(
      "",
      `${paint("bold", "evidence")}      ${validation.kind}: ${validation.decision} by ${printable(validation.actor)}`,
      `              ${printable(validation.reason)}`,
    );
    for (const pair of validation.pairs.filter((entry) => entry.candidateScore < entry.baselineScore).slice(0, 5)) {
      lines.push(
        `              broke: ${oneLine(pair.task, 100)}`,
        `                     ${oneLine(pair.baselineOutput ?? "", 60)} -> ${oneLine(pair.candidateOutput ?? "", 60)}`,
      );
    }
  }
  lines.push("", paint("bold", "history"));
  for (const entry of history) {
    lines.push(
      `  v${entry.version} ${new Date(entry.atUs / 1000).toISOString()} ${entry.action} by ${printable(entry.actor)}${entry.reason === undefined ? "" : `: ${oneLine(entry.reason, 200)}`}`,
    );
  }
  return lines.join("\n");
}

function percent(item: KnowledgeItem): string {
  return item.counts.given === 0 ? "new" : `${Math.round((100 * item.counts.givenSuccess) / item.counts.given)}%`;
}

/** A whole number from 1 to 10,000. */
export function limitOf(text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 10_000)
    throw new LearnError("invalid", `--limit ${text} is not a whole number from 1 to 10000`, { hint: "write --limit 20" });
  return value;
}
