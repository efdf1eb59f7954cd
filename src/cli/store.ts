import { resolve } from "node:path";
import type { Command } from "commander";
import { systemClock } from "../base/clock.ts";
import { isLearnError, LearnError } from "../base/error.ts";
import { printable } from "../base/text.ts";
import { type RecoverReport, recoverStore } from "../store/recover.ts";
import { parseStoreUrl } from "../store/url.ts";
import { contextOf } from "./context.ts";
import { EXIT } from "./exit-code.ts";
import { paint, table } from "./terminal.ts";

export function addStore(program: Command): void {
  const group = program.command("store").description("look after the store file: check, make smaller, copy, bring back what is readable");
  group
    .command("check")
    .description("look for damage in the file, its indexes and its references; exits 1 when there is any")
    .action(check);
  group
    .command("compact")
    .description("delete what is older than the retention ages and give the space back; the store stands still for about 8 s a GB")
    .option("--raw-retention-days <days>", "age of mapped request bodies, 0 for ever (AGENTLEARN_RAW_RETENTION_DAYS, default 7)")
    .option("--trace-retention-days <days>", "age of runs, 0 for ever (AGENTLEARN_TRACE_RETENTION_DAYS, default 0)")
    .action(compact);
  group.command("backup <file>").description("write a checked copy to a new file, also while the store is in use").action(backup);
  group
    .command("recover")
    .description("make a sound store of what can be read of a damaged one; the damaged file is kept under another name")
    .option("--from <file>", "a file that was set aside; its rows go into the store as it is now")
    .action(recover);
}

async function check(_options: object, command: Command): Promise<void> {
  const { config, terminal, withStore } = contextOf(command);
  terminal.note(`checking ${config.store}`);
  const problems = await withStore((store) => store.check(), { drain: false }).catch((caught: unknown): readonly string[] => {
    // A file too damaged to open is the finding, not a failure to look.
    if (isLearnError(caught) && caught.hint?.includes("store recover") === true) return [caught.message];
    throw caught;
  });
  terminal.result("agentlearn.store.check/v1", { store: config.store, problems }, () =>
    problems.length === 0
      ? `${paint("green", "sound")} ${config.store}`
      : [...problems.map((problem) => `${paint("red", "damaged")} ${printable(problem)}`), `next: agentlearn store recover`].join("\n"),
  );
  if (problems.length > 0) process.exitCode = EXIT.failure;
}

async function compact(_options: object, command: Command): Promise<void> {
  const { config, terminal, withStore } = contextOf(command);
  const { rawRetentionDays, traceRetentionDays } = config;
  terminal.note(`compacting ${config.store}`);
  const report = await withStore((store) => store.compact({ rawRetentionDays, traceRetentionDays }));
  terminal.result("agentlearn.store.compact/v1", { store: config.store, ...report }, () =>
    [
      `${megabytes(report.bytesBefore)} before, ${megabytes(report.bytesAfter)} after`,
      `deleted ${report.bodies} request bodies ${olderThan(report.rawRetentionDays)} and ${report.traces} traces ${olderThan(report.traceRetentionDays)}`,
    ].join("\n"),
  );
}

async function backup(file: string, _options: object, command: Command): Promise<void> {
  const { config, terminal, withStore } = contextOf(command);
  const target = resolve(file);
  terminal.note(`copying ${config.store} to ${target}`);
  const { bytes } = await withStore((store) => store.backup(target), { drain: false });
  terminal.result(
    "agentlearn.store.backup/v1",
    { store: config.store, file: target, bytes },
    () => `${target}, ${megabytes(bytes)}, checked`,
  );
}

async function recover(options: { readonly from?: string }, command: Command): Promise<void> {
  const { config, terminal } = contextOf(command);
  const location = parseStoreUrl(config.store);
  if (location.kind !== "file") {
    throw new LearnError("invalid", `${config.store} is on a libSQL server, and its file is not ours to work on`, {
      hint: "use the tools of the server",
    });
  }
  terminal.note(`reading what is left of ${options.from ?? location.path}`);
  const report = await recoverStore({
    path: location.path,
    ...(options.from === undefined ? {} : { from: resolve(options.from) }),
    name: "agentlearn store recover",
    clock: systemClock,
    onTable: ({ table, salvaged, lost }) => terminal.note(`  ${table}: ${salvaged} rows${lost === 0 ? "" : `, ${lost ?? "some"} lost`}`),
  });
  const tables = report.tables.map((rows) => ({ ...rows, lost: rows.lost ?? null }));
  terminal.result("agentlearn.store.recover/v1", { ...report, recovered: report.damage !== undefined, tables }, () => recovered(report));
}

function recovered({ path, damage, aside, tables }: RecoverReport): string {
  if (damage === undefined) return `${path} is sound; nothing was done`;
  const rows = tables.filter(({ salvaged, lost }) => salvaged > 0 || lost !== 0);
  const lines = [`${path} is sound again; it was damaged: ${printable(damage)}`, `the damaged file is kept as ${aside}`];
  if (rows.length > 0) {
    lines.push(
      table(
        ["table", "salvaged", "lost"],
        rows.map((row) => [row.table, String(row.salvaged), row.lost === undefined ? "unknown" : String(row.lost)]),
      ),
    );
  }
  return lines.join("\n");
}

function olderThan(days: number): string {
  return days === 0 ? "(kept for ever)" : `older than ${days} days`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
