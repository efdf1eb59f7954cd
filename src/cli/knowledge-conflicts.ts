import type { Command } from "commander";
import { LearnError } from "../base/error.ts";
import { oneLine } from "../base/text.ts";
import type { KnowledgeItem, Scope } from "../knowledge/knowledge-item.ts";
import { SCOPE_FIELDS } from "../knowledge/knowledge-item.ts";
import type { ConflictView, ResolveOptions } from "../learner/conflict-desk.ts";
import { contextOf } from "./context.ts";
import { paint } from "./terminal.ts";

export function addConflicts(group: Command): void {
  group
    .command("conflicts [id]")
    .description("items that contradict each other, side by side; one of them cannot become active while the other is")
    .option("--settled", "those that were settled, with who and why")
    .action(conflicts);
  group
    .command("resolve <id> <other>")
    .description("settle a conflict: one stays, both do, or each gets a scope; recorded with who, when and why")
    .option("--keep <id>", "this one stays; the other is retired")
    .option("--both", "they go together as they stand; needs --reason")
    .option("--scope <id:field=value...>", `narrow an item, e.g. 8a9f:agentName=biller; fields: ${SCOPE_FIELDS.join(", ")}`)
    .option("--reason <text>", "why; stored with the conflict")
    .action(resolve);
}

async function conflicts(id: string | undefined, options: { settled?: boolean }, command: Command): Promise<void> {
  const { terminal, withDesk } = contextOf(command);
  const settled = options.settled === true;
  const views = await withDesk((desk) => desk.conflicts({ ...(id === undefined ? {} : { id }), settled }));
  terminal.result("agentlearn.knowledge.conflicts/v1", { conflicts: views }, () =>
    views.length === 0 ? (settled ? "no conflict was settled" : "no conflicts") : views.map((view) => conflictText(view)).join("\n\n"),
  );
}

async function resolve(
  id: string,
  other: string,
  options: { keep?: string; both?: boolean; scope?: string[]; reason?: string },
  command: Command,
): Promise<void> {
  const { terminal, withDesk } = contextOf(command);
  const how = howOf(options);
  const view = await withDesk((desk) => desk.resolve(id, other, how));
  terminal.result("agentlearn.knowledge.resolve/v1", view, () => {
    const waiting = [view.first, view.second].filter(({ status }) => status === "validated").map((item) => item.id.slice(0, 8));
    const next = waiting.map((short) => `\nnext: agentlearn knowledge approve ${short}`).join("");
    return `${[view.first, view.second].map((item) => `${item.id.slice(0, 8)} is ${item.status}`).join(", ")}; ${view.conflict.resolution?.outcome}${next}`;
  });
}

function howOf(options: { keep?: string; both?: boolean; scope?: string[]; reason?: string }): ResolveOptions {
  const { keep, both, scope, reason } = options;
  if ([keep, both, scope].filter((way) => way !== undefined).length !== 1) {
    throw new LearnError("invalid", "one of --keep, --both and --scope says how the conflict is settled", {
      hint: "for example --keep <id>",
    });
  }
  const why = reason === undefined ? {} : { reason };
  if (keep !== undefined) return { keep, ...why };
  return scope === undefined ? { both: true, reason: reason ?? "" } : { scopes: scopesOf(scope), ...why };
}

function scopesOf(texts: readonly string[]): { readonly [id: string]: Scope } {
  const scopes: { [id: string]: Scope } = {};
  for (const text of texts) {
    const [, id = "", field = "", value = ""] = /^([^:]+):([A-Za-z]+)=(.+)$/.exec(text) ?? [];
    if (!SCOPE_FIELDS.some((known) => known === field)) {
      throw new LearnError("invalid", `--scope ${text} is not <id>:<field>=<value>`, { hint: `fields: ${SCOPE_FIELDS.join(", ")}` });
    }
    scopes[id] = { ...scopes[id], [field]: value };
  }
  return scopes;
}

/** Both items with what clashes marked, and what settles it. */
export function conflictText({ conflict, first, second }: ConflictView): string {
  const [one, other] = [first, second].map((item) => item.id.slice(0, 8));
  const { resolution } = conflict;
  const end =
    resolution === undefined
      ? `next: agentlearn knowledge resolve ${one} ${other} --keep ${one} | --both --reason "..."`
      : `settled by ${oneLine(resolution.actor, 80)} at ${new Date(resolution.atUs / 1000).toISOString()}: ${resolution.outcome}${resolution.keep === undefined ? "" : ` ${resolution.keep.slice(0, 8)}`}, ${oneLine(resolution.reason, 200)}`;
  return [paint("bold", oneLine(conflict.reason, 300)), side(first, conflict.first), side(second, conflict.second), end].join("\n");
}

function side(item: KnowledgeItem, part: string): string {
  const scope = SCOPE_FIELDS.flatMap((field) => (item[field] === undefined ? [] : [`${field} ${item[field]}`]));
  const when = oneLine([item.appliesWhen, ...scope].join("; "), 200);
  return `  ${item.id.slice(0, 8)}  ${item.status.padEnd(10)}  ${marked(oneLine(item.content, 400), oneLine(part, 400))}\n                        when ${when}`;
}

/** The clashing part between >> and <<, coloured on a terminal: marks that also survive a pipe. */
export function marked(text: string, part: string): string {
  const at = part === "" ? -1 : placeOf(text.toLowerCase(), part.toLowerCase());
  if (at < 0) return text;
  return `${text.slice(0, at)}${paint("yellow", `>>${text.slice(at, at + part.length)}<<`)}${text.slice(at + part.length)}`;
}

/** The first place where it stands as words of its own, else the first at all: "up" is not the middle of "grouped". */
function placeOf(text: string, part: string): number {
  const isWord = (character: string | undefined): boolean => /[\p{L}\p{N}]/u.test(character ?? "");
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + 1)) {
    if (!isWord(text[at - 1]) && !isWord(text[at + part.length])) return at;
  }
  return text.indexOf(part);
}
