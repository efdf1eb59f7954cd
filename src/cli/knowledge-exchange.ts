import { stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { text } from "node:stream/consumers";
import type { Command } from "commander";
import { LearnError } from "../base/error.ts";
import { printable } from "../base/text.ts";
import { readTextFile, writeTextFile } from "../learner/exchange-files.ts";
import type { ImportReport } from "../learner/knowledge-exchange.ts";
import { contextOf } from "./context.ts";
import { addFilter, type FilterFlags, filterOf, oneOf } from "./knowledge-filter.ts";

const FORMATS = ["json", "skills", "agents-md"] as const;
type Format = (typeof FORMATS)[number];

const EXPORTED = "agentlearn.knowledge.export/v1";

export function addKnowledgeExchange(group: Command): void {
  const out = group
    .command("export")
    .description("write items to a JSON document (all of them), to skill folders or to a section of AGENTS.md (active ones with evidence)")
    .option("--format <format>", `one of ${FORMATS.join(", ")} (default json)`)
    .option("--output <path>", "file or folder; a JSON document goes to stdout without it")
    .option("--prune", "with skills: delete the folders of items that are not exported any more");
  addFilter(out).action(exportItems);
  group
    .command("import <path>")
    .description(
      "take in a JSON document (- reads stdin), a folder of skill folders, or the section of an AGENTS.md; all arrive as candidates",
    )
    .option("--format <format>", `one of ${FORMATS.join(", ")}; read from the path without it`)
    .option("--reason <text>", "why; stored in the history")
    .option("--dry-run", "say what would happen, and change nothing")
    .action(importItems);
}

interface ExportFlags extends FilterFlags {
  readonly format?: string;
  readonly output?: string;
  readonly prune?: boolean;
}

async function exportItems(flags: ExportFlags, command: Command): Promise<void> {
  const { terminal, withDesk } = contextOf(command);
  const filter = filterOf(flags);
  const format = oneOf("--format", "format", flags.format, FORMATS) ?? "json";
  const { output, prune = false } = flags;
  if (format === "json") {
    const { schema, ...document } = await withDesk((desk) => desk.export(filter));
    const json = JSON.stringify({ schema, ...document }, null, 2);
    if (output === undefined) return terminal.result(schema, document, () => json);
    await writeTextFile(output, `${json}\n`);
    const written = document.items.length;
    return terminal.result(EXPORTED, { format, output, written }, () => `${written} items in ${output}`);
  }
  if (output === undefined) {
    throw new LearnError("invalid", `--format ${format} needs a place to write to`, {
      hint: format === "skills" ? "--output .agents/skills" : "--output AGENTS.md",
    });
  }
  if (format === "agents-md") {
    const { written, changed } = await withDesk((desk) => desk.exportSection(output, { filter }));
    return terminal.result(
      EXPORTED,
      { format, output, written, changed },
      () => `${written} items in ${output}${changed ? "" : ", as before"}`,
    );
  }
  const { folder: _folder, ...report } = await withDesk((desk) => desk.exportSkills(output, { filter, prune }));
  const { written, changed, stale } = report;
  terminal.result(
    EXPORTED,
    { format, output, ...report },
    () => `${written.length} skills in ${output}, ${changed.length} of them new or changed`,
  );
  if (stale.length === 0) return;
  const what = `${stale.length} folders of items that are not exported any more`;
  terminal.note(prune ? `deleted ${what}` : `left alone: ${what} (${stale.join(", ")}); --prune deletes them`);
}

interface ImportFlags {
  readonly format?: string;
  readonly reason?: string;
  readonly dryRun?: boolean;
}

async function importItems(path: string, flags: ImportFlags, command: Command): Promise<void> {
  const { terminal, withDesk } = contextOf(command);
  const format = oneOf("--format", "format", flags.format, FORMATS) ?? (await formatOf(path));
  const options = { ...(flags.reason === undefined ? {} : { reason: flags.reason }), dryRun: flags.dryRun === true };
  // Read before the store is opened: a file that is not there is no reason to wait for it.
  const json = format !== "json" ? "" : path === "-" ? await text(process.stdin) : await readTextFile(path);
  const report = await withDesk((desk) => {
    if (format === "json") return desk.import(json, { ...options, name: path === "-" ? "stdin" : path });
    return format === "skills"
      ? desk.importSkills(basename(path) === "SKILL.md" ? dirname(path) : path, options)
      : desk.importSection(path, options);
  });
  terminal.result("agentlearn.knowledge.import/v1", { format, ...report }, () => importText(report));
}

/** By what is there: a folder holds skills, a page a section, anything else is a document. */
async function formatOf(path: string): Promise<Format> {
  if (basename(path) === "SKILL.md") return "skills";
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (isFolder) return "skills";
  return path.toLowerCase().endsWith(".md") ? "agents-md" : "json";
}

function importText({ dryRun, outcomes }: ImportReport): string {
  const count = (wanted: string): number => outcomes.filter(({ outcome }) => outcome === wanted).length;
  const lines = outcomes
    .filter(({ outcome }) => outcome !== "unchanged")
    .map(({ place, id, outcome, beside }) => {
      const names = beside === undefined ? "" : ` of ${beside.slice(0, 8)}, which stays as it is`;
      return `${id.slice(0, 8)}  ${outcome}${names}  (${printable(place)})`;
    });
  const sum = `${count("new")} new, ${count("revision")} revised, ${count("beside")} beside an item in use, ${count("unchanged")} unchanged`;
  const next = lines.length === 0 || dryRun ? [] : ["next: agentlearn knowledge list --status candidate --taint imported"];
  return [...lines, `${dryRun ? "would be imported" : "imported"} as candidates: ${sum}`, ...next].join("\n");
}
