#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { Command, CommanderError, Option } from "commander";
import { describeConfig } from "../config/config.ts";
import { addAbReport } from "./ab-report.ts";
import { addDemo } from "./demo.ts";
import { addDoctor } from "./doctor.ts";
import { EXIT, exitCodeOf } from "./exit-code.ts";
import { addImport } from "./import.ts";
import { addKnowledge } from "./knowledge.ts";
import { addLearn } from "./learn.ts";
import { addStatus } from "./status.ts";
import { addStore } from "./store.ts";
import { printError } from "./terminal.ts";
import { addTraces } from "./traces.ts";
import { addUp } from "./up.ts";

const program = new Command("agentlearn")
  .description("Agents that learn from their own OpenTelemetry runs: spans in, tested and readable knowledge back into the prompt.")
  .version(version(), "-V, --version")
  .option("--store <url>", "libSQL file or server, e.g. file:./agentlearn.db (AGENTLEARN_STORE)")
  .option("--json", "print the result as a JSON document")
  .showHelpAfterError("(add --help for what is possible)")
  .exitOverride();

for (const add of [addUp, addDemo, addStatus, addImport, addLearn, addKnowledge, addAbReport, addTraces, addStore, addDoctor]) add(program);
inherit(program);

const json = process.argv.includes("--json");
try {
  await program.parseAsync(process.argv);
} catch (caught) {
  if (caught instanceof CommanderError) {
    // Commander has printed help, the version or the complaint already.
    process.exitCode = caught.exitCode === 0 ? EXIT.ok : EXIT.badArgument;
  } else {
    printError(caught, json);
    process.exitCode = exitCodeOf(caught);
  }
}

/** Global options work before and after the command's name. */
function inherit(parent: Command): void {
  for (const child of parent.commands) {
    child.exitOverride();
    if (child.commands.length === 0) addSettings(child);
    inherit(child);
  }
}

/** Every setting is a flag of every command; help shows those that matter to it, README all. */
function addSettings(command: Command): void {
  command.option("--store <url>", "libSQL file or server (AGENTLEARN_STORE)").option("--json", "print the result as a JSON document");
  const known = new Set(command.options.map(({ long }) => long));
  for (const { flag, description } of describeConfig()) {
    if (!known.has(flag)) command.addOption(new Option(`${flag} <value>`, description).hideHelp());
  }
}

function version(): string {
  const file = new URL("../../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
