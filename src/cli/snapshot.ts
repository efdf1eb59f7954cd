import { text } from "node:stream/consumers";
import type { Command } from "commander";
import { systemClock } from "../base/clock.ts";
import { oneLine, printable } from "../base/text.ts";
import { userName } from "../base/user-name.ts";
import type { SnapshotDiff } from "../knowledge/compare-snapshots.ts";
import type { Snapshot, SnapshotInfo, SnapshotItem } from "../knowledge/ports.ts";
import { readTextFile, writeTextFile } from "../learner/exchange-files.ts";
import { createSnapshotDesk, type RestoreReport, type SnapshotDesk } from "../learner/snapshot-desk.ts";
import { confirmed } from "./confirm.ts";
import { contextOf } from "./context.ts";
import { changesText } from "./knowledge-text.ts";
import { paint, table } from "./terminal.ts";

export function addSnapshot(program: Command): void {
  const group = program.command("snapshot").description("keep states of all knowledge, compare them and go back; named by tag or id");
  group
    .command("create")
    .description("keep all knowledge as it is now")
    .option("--tag <tag>", "a name of its own, such as v1")
    .option("--reason <text>", "why; stored with it")
    .action(create);
  group.command("list").description("snapshots, newest first").action(list);
  group.command("show <snapshot>").description("the items of a snapshot").action(show);
  group
    .command("diff <from> [to]")
    .description("what changed from one snapshot to another, or to what is stored now; words as a word diff")
    .action(diff);
  group
    .command("restore <snapshot>")
    .description("make the knowledge what it was; what is there now is kept as a snapshot first")
    .option("--reason <text>", "why; stored in the history of every item that changes")
    .option("--dry-run", "say what would change, and change nothing")
    .option("--yes", "without asking")
    .action(restore);
  group.command("delete <snapshot>").description("delete a snapshot; the items stay").option("--yes", "without asking").action(remove);
  group
    .command("export <snapshot>")
    .description("write a snapshot as a file for version control: equal knowledge gives equal bytes")
    .option("--output <file>", "stdout without it")
    .action(exportFile);
  group
    .command("import <file>")
    .description("make a snapshot of such a file (- reads stdin); it changes no item until it is restored")
    .option("--tag <tag>", "a name of its own")
    .action(importFile);
}

function withSnapshots<T>(command: Command, work: (desk: SnapshotDesk) => Promise<T>): Promise<T> {
  return contextOf(command).withStore((store) => work(createSnapshotDesk({ store, clock: systemClock, actor: `cli:${userName()}` })));
}

async function create(options: { readonly tag?: string; readonly reason?: string }, command: Command): Promise<void> {
  const snapshot = await withSnapshots(command, (desk) => desk.create(options));
  contextOf(command).terminal.result("agentlearn.snapshot.create/v1", { snapshot }, () => infoText(snapshot));
}

async function list(_options: object, command: Command): Promise<void> {
  const snapshots = await withSnapshots(command, (desk) => desk.list());
  contextOf(command).terminal.result("agentlearn.snapshot.list/v1", { snapshots }, () =>
    snapshots.length === 0
      ? "no snapshots"
      : table(
          ["id", "tag", "created", "items", "by", "why"],
          snapshots.map((info) => [
            info.id.slice(0, 8),
            info.tag ?? "-",
            timeText(info),
            `${info.itemCount}${info.imported ? " (imported)" : ""}`,
            info.actor,
            info.reason ?? "",
          ]),
        ),
  );
}

async function show(name: string, _options: object, command: Command): Promise<void> {
  const snapshot = await withSnapshots(command, (desk) => desk.show(name));
  contextOf(command).terminal.result("agentlearn.snapshot.show/v1", { snapshot }, () => snapshotText(snapshot));
}

async function diff(from: string, to: string | undefined, _options: object, command: Command): Promise<void> {
  const found = await withSnapshots(command, (desk) => desk.diff(from, to));
  contextOf(command).terminal.result("agentlearn.snapshot.diff/v1", { from, to: to ?? null, diff: found }, () => diffText(found));
}

interface RestoreFlags {
  readonly reason?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

async function restore(name: string, flags: RestoreFlags, command: Command): Promise<void> {
  const { terminal } = contextOf(command);
  const why = flags.reason === undefined ? {} : { reason: flags.reason };
  await withSnapshots(command, async (desk) => {
    const plan = await desk.restore(name, { ...why, dryRun: true });
    const count = plan.diff.added.length + plan.diff.changed.length;
    if (flags.dryRun !== true && count > 0) {
      terminal.note(restoreText(plan));
      await confirmed(terminal, `change ${count} ${count === 1 ? "item" : "items"}?`, flags);
    }
    const report = flags.dryRun === true ? plan : await desk.restore(name, why);
    terminal.result("agentlearn.snapshot.restore/v1", report, () => restoreText(report));
  });
}

async function remove(name: string, flags: { readonly yes?: boolean }, command: Command): Promise<void> {
  const { terminal } = contextOf(command);
  const snapshot = await withSnapshots(command, async (desk) => {
    const found = await desk.show(name);
    await confirmed(terminal, `delete the snapshot ${infoText(found)}?`, flags);
    // By its id: a tag may name another one by now.
    return desk.delete(found.id);
  });
  terminal.result("agentlearn.snapshot.delete/v1", { snapshot }, () => `deleted ${infoText(snapshot)}`);
}

async function exportFile(name: string, options: { readonly output?: string }, command: Command): Promise<void> {
  const file = await withSnapshots(command, (desk) => desk.export(name));
  const { output } = options;
  // The file is the document, byte for byte, also with --json.
  if (output === undefined) {
    process.stdout.write(file);
    return;
  }
  await writeTextFile(output, file);
  contextOf(command).terminal.result("agentlearn.snapshot.export/v1", { output }, () => output);
}

async function importFile(file: string, options: { readonly tag?: string }, command: Command): Promise<void> {
  const content = file === "-" ? await text(process.stdin) : await readTextFile(file);
  const snapshot = await withSnapshots(command, (desk) => desk.import(content, { ...options, name: file === "-" ? "stdin" : file }));
  contextOf(command).terminal.result("agentlearn.snapshot.import/v1", { snapshot }, () => {
    const called = snapshot.tag ?? snapshot.id.slice(0, 8);
    return `${infoText(snapshot)}\nnext: agentlearn snapshot diff ${called}, then agentlearn snapshot restore ${called}`;
  });
}

function infoText(info: SnapshotInfo): string {
  const items = `${info.itemCount} ${info.itemCount === 1 ? "item" : "items"}`;
  return `${info.id.slice(0, 8)}${info.tag === undefined ? "" : ` ${info.tag}`}  ${timeText(info)}  ${items}${info.imported ? ", imported" : ""}`;
}

function timeText({ createdAtUs }: SnapshotInfo): string {
  return new Date(createdAtUs / 1000).toISOString();
}

function snapshotText(snapshot: Snapshot): string {
  const why = snapshot.reason === undefined ? "" : `: ${oneLine(snapshot.reason, 200)}`;
  const head = `${paint("bold", infoText(snapshot))}\nby ${printable(snapshot.actor)}${why}`;
  if (snapshot.items.length === 0) return head;
  return `${head}\n\n${table(["id", "type", "status", "content"], snapshot.items.map(row))}`;
}

function row(item: SnapshotItem): readonly string[] {
  return [`${item.id.slice(0, 8)}${item.priority === "pinned" ? "*" : ""}`, item.type, item.status, item.content];
}

function diffText({ added, removed, changed }: SnapshotDiff): string {
  if (added.length + removed.length + changed.length === 0) return "no difference";
  const line = (item: SnapshotItem): string => `${item.id.slice(0, 8)}  ${item.status}  ${oneLine(item.content, 100)}`;
  return [
    ...added.map((item) => paint("green", `+ ${line(item)}`)),
    ...removed.map((item) => paint("red", `- ${line(item)}`)),
    ...changed.flatMap(({ id, changes, words }) => [`~ ${id.slice(0, 8)}`, ...changesText(changes, words)]),
  ].join("\n");
}

function restoreText({ dryRun, snapshot, diff: found, held, backup }: RestoreReport): string {
  const lines = [`${dryRun ? "would restore" : "restored"} ${infoText(snapshot)}`, diffText(found)];
  for (const { id, reason } of held) lines.push(`${paint("yellow", "held")} ${id.slice(0, 8)}  ${oneLine(reason, 200)}`);
  if (backup !== undefined) lines.push(`what there was is kept: agentlearn snapshot restore ${backup.id.slice(0, 8)}`);
  return lines.join("\n");
}
