#!/usr/bin/env node
import { Command, CommanderError, Option } from "commander";
import { packageVersion } from "../base/package-version.ts";
import { describeConfig } from "../config/describe-config.ts";
import { EXIT, exitCodeOf } from "./exit-code.ts";
import { printError } from "./terminal.ts";

type Add = (program: Command) => void;

/** In the order of the help. Each with its modules: `up` needs a quarter of what all of them need, and a restart waits for that. */
const COMMANDS: Readonly<Record<string, () => Promise<Add>>> = {
  up: async () => (await import("./up.ts")).addUp,
  demo: async () => (await import("./demo.ts")).addDemo,
  status: async () => (await import("./status.ts")).addStatus,
  import: async () => (await import("./import.ts")).addImport,
  learn: async () => (await import("./learn.ts")).addLearn,
  "aa-test": async () => (await import("./aa-test.ts")).addAaTest,
  "verify-certificate": async () => (await import("./verify-certificate.ts")).addVerifyCertificate,
  eval: async () => (await import("./eval.ts")).addEval,
  knowledge: async () => (await import("./knowledge.ts")).addKnowledge,
  snapshot: async () => (await import("./snapshot.ts")).addSnapshot,
  "ab-report": async () => (await import("./ab-report.ts")).addAbReport,
  traces: async () => (await import("./traces.ts")).addTraces,
  store: async () => (await import("./store.ts")).addStore,
  doctor: async () => (await import("./doctor.ts")).addDoctor,
};

const program = new Command("agentlearn")
  .description("Agents that learn from their own OpenTelemetry runs: spans in, tested and readable knowledge back into the prompt.")
  .version(packageVersion(), "-V, --version")
  .option("--store <url>", "libSQL file or server, e.g. file:./agentlearn.db (AGENTLEARN_STORE)")
  .option("--json", "print the result as a JSON document")
  .showHelpAfterError("(add --help for what is possible)")
  .exitOverride();

for (const load of commandsFor(process.argv[2])) (await load())(program);
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

/** The command that was named first; all of them where something else comes first: an option, a mistake, or nothing. */
function commandsFor(first: string | undefined): readonly (() => Promise<Add>)[] {
  const named = first !== undefined && Object.hasOwn(COMMANDS, first) ? COMMANDS[first] : undefined;
  return named === undefined ? Object.values(COMMANDS) : [named];
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
