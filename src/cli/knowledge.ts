import type { Command } from "commander";
import { LearnError } from "../base/error.ts";
import type { KnowledgeItem } from "../knowledge/knowledge-item.ts";
import { contextOf } from "./context.ts";
import { addKnowledgeChanges } from "./knowledge-change.ts";
import { addKnowledgeExchange } from "./knowledge-exchange.ts";
import { addFilter, type FilterFlags, filterOf } from "./knowledge-filter.ts";
import { itemText } from "./knowledge-text.ts";
import { table } from "./terminal.ts";

export function addKnowledge(program: Command): void {
  const group = program.command("knowledge").description("read and decide on knowledge items; ids may be unique prefixes");
  addFilter(group.command("list").description("items, pinned (*) first"))
    .option("--limit <n>", "at most this many (default 100)")
    .action(list);
  group.command("show <id>").description("one item with its evidence and history").action(show);
  addKnowledgeChanges(group);
  addKnowledgeExchange(group);
}

async function list(options: FilterFlags & { readonly limit?: string }, command: Command): Promise<void> {
  const { terminal, withDesk } = contextOf(command);
  const limit = limitOf(options.limit, 100);
  const items = await withDesk((desk) => desk.list({ ...filterOf(options), limit }));
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
  const shown = await withDesk((desk) => desk.show(id));
  terminal.result("agentlearn.knowledge.show/v1", shown, () => itemText(shown.item, shown.history, shown.validations));
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
