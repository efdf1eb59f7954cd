import type { Command } from "commander";
import { LearnError } from "../base/error.ts";
import { oneLine, printable } from "../base/text.ts";
import { isEmptyFilter } from "../knowledge/filter.ts";
import { type SafetyReport, safetyText } from "../knowledge/guards/safety-cases.ts";
import { wordChanges } from "../knowledge/history.ts";
import type { AgentRunner } from "../knowledge/ports.ts";
import type { ItemEdit } from "../learner/item-edit.ts";
import type { BulkAction, BulkReport, BulkRequest } from "../learner/knowledge-bulk.ts";
import { KNOWLEDGE_TYPES } from "../lesson/lesson.ts";
import { confirmed } from "./confirm.ts";
import { contextOf } from "./context.ts";
import { EXIT } from "./exit-code.ts";
import { addFilter, collected, type FilterFlags, filterOf, oneOf } from "./knowledge-filter.ts";
import { changesText } from "./knowledge-text.ts";
import { loadRunner } from "./learn.ts";
import { paint } from "./terminal.ts";

interface ChangeFlags extends FilterFlags {
  readonly reason?: string;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly safetyAgent?: string;
  readonly despiteSafety?: string;
}

interface EditFlags {
  readonly content?: string;
  readonly appliesWhen?: string;
  readonly setType?: string;
  readonly addTag?: readonly string[];
  readonly removeTag?: readonly string[];
  readonly setAgent?: string;
  readonly setService?: string;
  readonly setModel?: string;
  readonly setTenant?: string;
}

/** The commands that change items: one by its id, several ids, or all that a filter means. */
export function addKnowledgeChanges(group: Command): void {
  change(group, "approve", "make validated items active; an untested candidate needs --reason, by which you vouch for it")
    .option("--content <text>", "approve these words in the place of its own; for one item, needs --reason")
    .option("--applies-when <text>", "the same for its condition")
    .option(
      "--safety-agent <file:export>",
      "module with `(task, knowledge) => answer`, of which the safety cases are asked first; without it none is",
    )
    .option("--despite-safety <text>", "why it goes live although safety cases fail with it; stored in the history");
  change(group, "reject", "archive items; needs --reason");
  change(group, "deprecate", "take items out of use; needs --reason");
  change(group, "restore", "make candidates of deprecated or archived items, to be tested again");
  change(group, "pin", "always inject active items");
  change(group, "unpin", "inject items only when they fit the task");
  change(group, "edit", "change items; needs --reason. New text, type, condition or a wider scope has to be tested again")
    .option("--content <text>", "the new instruction; for one item")
    .option("--applies-when <text>", "the new condition; for one item")
    .option("--set-type <type>", `one of ${KNOWLEDGE_TYPES.join(", ")}`)
    .option("--add-tag <tag>", "repeat it for several", collected)
    .option("--remove-tag <tag>", "repeat it for several", collected)
    .option("--set-agent <name>", 'only for this agent from now on; "" for all')
    .option("--set-service <name>", 'only for this service from now on; "" for all')
    .option("--set-model <name>", 'only for this model from now on; "" for all')
    .option("--set-tenant <name>", 'only for this tenant from now on; "" for none');
}

function change(group: Command, action: BulkAction, description: string): Command {
  const command = group.command(`${action} [ids...]`).description(description).option("--reason <text>", "why; stored in the history");
  return addFilter(command)
    .option("--dry-run", "say what would change, and change nothing")
    .option("--yes", "change all items that are meant without asking")
    .action((ids: readonly string[], flags: ChangeFlags & EditFlags, self: Command) => run(action, ids, flags, self));
}

async function run(action: BulkAction, ids: readonly string[], flags: ChangeFlags & EditFlags, command: Command): Promise<void> {
  const filter = filterOf(flags);
  const mends = action === "approve" && (flags.content ?? flags.appliesWhen) !== undefined;
  const edit = action === "edit" || mends ? editOf(flags) : undefined;
  const request: BulkRequest = {
    action,
    ids,
    filter,
    ...(flags.reason === undefined ? {} : { reason: flags.reason }),
    ...(edit === undefined ? {} : { edit }),
    ...(flags.despiteSafety === undefined ? {} : { despiteSafety: flags.despiteSafety }),
  };
  const agent = flags.safetyAgent === undefined ? {} : { runner: await loadRunner(flags.safetyAgent, "--safety-agent") };
  const [only] = ids;
  if (only !== undefined && ids.length === 1 && isEmptyFilter(filter) && flags.dryRun !== true)
    return changeOne(request, only, command, agent);
  if (mends)
    throw new LearnError("invalid", "other words can be approved for one item only", {
      hint: "agentlearn knowledge approve ID --content TEXT --reason TEXT",
    });
  const { terminal, withDesk } = contextOf(command);
  await withDesk(async (desk) => {
    const plan = await desk.changeMany({ ...request, dryRun: true });
    if (flags.dryRun === true || plan.done.length === 0) return print(plan, command);
    // With --json the document comes once, when it is done; a script that did not say --yes is told so on stderr.
    terminal.note(reportText(plan));
    await confirmed(terminal, `${action} ${counted(plan.done.length)}?`, flags);
    // The ones that were shown, and not whatever the filter means by now.
    print(await desk.changeMany({ ...request, ids: [...plan.done, ...plan.refused].map(({ item }) => item.id), filter: {} }), command);
  }, agent);
}

/** One item by its id: no question, and a refusal is the error of the command. */
async function changeOne(request: BulkRequest, id: string, command: Command, agent: { readonly runner?: AgentRunner }): Promise<void> {
  const { action, edit = {}, reason, despiteSafety } = request;
  let safety: SafetyReport | undefined;
  const why = reason === undefined ? {} : { reason };
  const { terminal, withDesk } = contextOf(command);
  const item = await withDesk(async (desk) => {
    if (action === "approve" && request.edit !== undefined) await desk.edit(id, { ...edit, reason: reason ?? "" });
    if (action === "edit") return desk.edit(id, { ...edit, reason: reason ?? "" });
    if (action === "approve") {
      const onSafety = (report: SafetyReport): void => {
        safety = report;
      };
      return desk.approve(id, { ...why, onSafety, ...(despiteSafety === undefined ? {} : { despiteSafety }) });
    }
    return action === "reject" || action === "deprecate" ? desk[action](id, { reason: reason ?? "" }) : desk[action](id, why);
  }, agent);
  terminal.result(
    `agentlearn.knowledge.${action}/v1`,
    { item, ...(safety === undefined ? {} : { safety }) },
    () =>
      `${item.id.slice(0, 8)} is ${item.status}${item.priority === "pinned" ? ", pinned" : ""}${action === "edit" ? `: ${printable(item.content)}` : ""}${safety === undefined ? "" : `\n${safetyLine(safety)}`}`,
  );
}

function safetyLine(safety: SafetyReport): string {
  const next = safety.notRun === "no agent runner" ? " (--safety-agent ./agent.mjs:run)" : "";
  return paint(safety.notRun === undefined ? "dim" : "yellow", `${oneLine(safetyText(safety), 400)}${next}`);
}

function print(report: BulkReport, command: Command): void {
  const { terminal } = contextOf(command);
  terminal.result(`agentlearn.knowledge.change-many/v1`, report, () => reportText(report));
  if (report.refused.length > 0) process.exitCode = EXIT.notAllowed;
}

function reportText({ action, dryRun, done, refused }: BulkReport): string {
  if (done.length + refused.length === 0) return "no item is meant; nothing was changed";
  const lines = done.map(({ item, from, changes: { status: _status, validation: _validation, ...changes } }) => {
    const to = from === item.status ? from : `${from} -> ${item.status}`;
    return [
      `${paint("green", dryRun ? "would" : "done")} ${action} ${item.id.slice(0, 8)}  ${to}  ${oneLine(item.content, 80)}`,
      ...changesText(changes, wordChanges(changes)),
    ].join("\n");
  });
  for (const { item, reason } of refused) lines.push(`${paint("red", "refused")} ${item.id.slice(0, 8)}  ${oneLine(reason, 200)}`);
  return [...lines, `${dryRun ? "would be done" : "done"}: ${counted(done.length)}, refused: ${counted(refused.length)}`].join("\n");
}

function counted(count: number): string {
  return `${count} ${count === 1 ? "item" : "items"}`;
}

function editOf(flags: EditFlags): ItemEdit {
  const type = oneOf("--set-type", "type of knowledge", flags.setType, KNOWLEDGE_TYPES);
  const scope = {
    ...(flags.setAgent === undefined ? {} : { agentName: flags.setAgent }),
    ...(flags.setService === undefined ? {} : { service: flags.setService }),
    ...(flags.setModel === undefined ? {} : { model: flags.setModel }),
    ...(flags.setTenant === undefined ? {} : { tenant: flags.setTenant }),
  };
  const edit: ItemEdit = {
    ...(flags.content === undefined ? {} : { content: flags.content }),
    ...(flags.appliesWhen === undefined ? {} : { appliesWhen: flags.appliesWhen }),
    ...(type === undefined ? {} : { type }),
    ...(flags.addTag === undefined ? {} : { addTags: flags.addTag }),
    ...(flags.removeTag === undefined ? {} : { removeTags: flags.removeTag }),
    ...(Object.keys(scope).length === 0 ? {} : { scope }),
  };
  if (Object.keys(edit).length > 0) return edit;
  throw new LearnError("invalid", "nothing says what to change", {
    hint: 'for example --content "...", --add-tag sql or --set-agent biller',
  });
}
