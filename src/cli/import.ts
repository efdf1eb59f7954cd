import { type Command, Option } from "commander";
import { backfill, type FileReport, placeOf } from "../backfill/backfill.ts";
import { type Journal, openJournal } from "../backfill/journal.ts";
import { type InputFile, openFile, openStream } from "../backfill/open-file.ts";
import { FILE_FORMATS, type FileFormat } from "../backfill/ports.ts";
import { createSender, type Sender } from "../backfill/send-otlp.ts";
import { systemClock } from "../base/clock.ts";
import { isLearnError, LearnError } from "../base/error.ts";
import { printable } from "../base/text.ts";
import type { Store } from "../store/ports.ts";
import { parseStoreUrl } from "../store/url.ts";
import { type CommandContext, contextOf } from "./context.ts";
import { createProgressBar } from "./progress-bar.ts";
import { table } from "./terminal.ts";

interface ImportOptions {
  readonly format?: FileFormat;
  readonly skipBadLines?: boolean;
  readonly to?: string;
  readonly header?: readonly string[];
}

export function addImport(program: Command): void {
  program
    .command("import")
    .description("take in spans and logs from files: OTLP as the Collector's file exporter writes it, and JSON of OTLP, Jaeger and Tempo")
    .argument("<files...>", "files, also gzip or zstd; - reads standard input")
    .addOption(new Option("--format <kind>", "what the files are, where their content does not say it").choices(FILE_FORMATS))
    .option("--skip-bad-lines", "leave out what can't be read, count it, and name the first ten")
    .option("--to <url>", "send to an OTLP/HTTP receiver instead of the store")
    .option("--header <key=value>", "HTTP header for --to; may be given again", (value: string, all: readonly string[] = []) => [
      ...all,
      value,
    ])
    .action(async (files: string[], options: ImportOptions, command: Command) => importFiles(files, options, contextOf(command)));
}

async function importFiles(names: readonly string[], options: ImportOptions, context: CommandContext): Promise<void> {
  const url = options.to === undefined ? undefined : receiverUrl(options.to);
  const headers = headersOf(options);
  // All of them first: a mistyped name must not show after an hour, nor leave an empty store behind.
  const files = await openAll(names, options.format);
  const abort = new AbortController();
  const stop = onInterrupt(abort);
  try {
    if (url === undefined) await intoStore(files, options, context, abort.signal);
    else await toReceiver(files, options, context, createSender({ url, headers, signal: abort.signal, onRetry: context.terminal.note }));
  } finally {
    stop();
  }

  async function toReceiver(
    inputs: readonly InputFile[],
    given: ImportOptions,
    { terminal }: CommandContext,
    sender: Sender,
  ): Promise<void> {
    const reports = await run(inputs, { given, context, signal: abort.signal, deliver: sender.deliver, journalOf: () => undefined });
    const result = { files: reports, to: url, refused: sender.refusedItems() };
    const refused = result.refused === 0 ? "" : `; it refused ${result.refused} spans or log records in them`;
    terminal.result("agentlearn.import/v1", result, () => `${text(reports)}\nsent to ${url}${refused}`);
  }
}

async function intoStore(files: readonly InputFile[], given: ImportOptions, context: CommandContext, signal: AbortSignal): Promise<void> {
  const { config, terminal } = context;
  await context.withStore(
    async (store) => {
      const runsBefore = (await store.status()).traces.total;
      const journals = new Map(files.map((file) => [file, journalFor(file, config.store)]));
      const deliver = (messages: Parameters<typeof appendTo>[1]) => appendTo(store, messages);
      const reports = await run(files, { given, context, signal, deliver, journalOf: (file) => journals.get(file) }).catch(
        hinted(journals),
      );
      terminal.note("assembling runs");
      await store.drain();
      const runsAfter = (await store.status()).traces.total;
      for (const journal of journals.values()) journal?.remove();
      const runs = { new: runsAfter - runsBefore, total: runsAfter };
      terminal.result(
        "agentlearn.import/v1",
        { files: reports, store: config.store, runs },
        () => `${text(reports)}\n${runs.new} new runs, ${runs.total} in the store; next: \`agentlearn traces list\``,
      );
    },
    { create: true },
  );
}

/** Appended and mapped batch by batch: a store with a million bodies to map at once would hold none of the runs until the last. */
async function appendTo(store: Store, messages: Parameters<Sender["deliver"]>[0]): Promise<void> {
  const useful = messages.filter(({ spans, logs }) => spans + logs > 0);
  await store.appendBodies(useful.map(({ body }) => body));
  await store.drain({ force: false });
}

interface Work {
  readonly given: ImportOptions;
  readonly context: CommandContext;
  readonly signal: AbortSignal;
  readonly deliver: Sender["deliver"];
  readonly journalOf: (file: InputFile) => Journal | undefined;
}

async function run(files: readonly InputFile[], { given, context, signal, deliver, journalOf }: Work): Promise<readonly FileReport[]> {
  const total = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const bar = createProgressBar(context.terminal, total, "importing");
  const reports: FileReport[] = [];
  let before = 0;
  try {
    for (const file of files) {
      let bytes = 0;
      const onBytes = (count: number): void => {
        bytes += count;
        bar.to(Math.min(total, before + bytes), printable(file.name));
      };
      const journal = journalOf(file);
      const skipBadLines = given.skipBadLines === true;
      reports.push(await backfill({ file, deliver, clock: systemClock, skipBadLines, journal, onBytes, signal }));
      before += file.sizeBytes;
    }
    bar.end("read");
    return reports;
  } catch (caught) {
    bar.end("stopped");
    throw caught;
  }
}

async function openAll(names: readonly string[], format: FileFormat | undefined): Promise<readonly InputFile[]> {
  if (names.filter((name) => name === "-").length > 1)
    throw new LearnError("invalid", "standard input is named twice, it can be read once");
  const files: InputFile[] = [];
  for (const name of names) {
    if (name === "-") files.push(await openStream("standard input", process.stdin, format));
    else files.push(await openFile(name, format));
  }
  return files;
}

/** A server's store has no place beside it; there a second run begins anew, which costs time and nothing else. */
function journalFor(file: InputFile, storeUrl: string): Journal | undefined {
  const location = parseStoreUrl(storeUrl);
  if (file.identity === undefined || location.kind !== "file") return undefined;
  return openJournal({ storePath: location.path, identity: file.identity, format: file.format });
}

/** Who is told that it stopped is told what a second run does. */
function hinted(journals: ReadonlyMap<InputFile, Journal | undefined>): (caught: unknown) => never {
  const resumable = [...journals.values()].every((journal) => journal !== undefined);
  return (caught) => {
    if (!isLearnError(caught) || caught.code !== "cancelled") throw caught;
    const hint = resumable
      ? "run the same command again, it goes on from there"
      : "run the same command again; what is there stays as it is";
    throw new LearnError("cancelled", caught.message, { hint, cause: caught });
  };
}

/** The first SIGINT or SIGTERM ends the work after the batch in hand; a second one ends the process. */
function onInterrupt(abort: AbortController): () => void {
  const stop = (): void => {
    if (abort.signal.aborted) process.exit(2);
    abort.abort();
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, stop);
  return () => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, stop);
  };
}

function receiverUrl(given: string): string {
  if (/^https?:\/\/[^/]/i.test(given) && URL.canParse(given)) return given;
  throw new LearnError("invalid", `--to ${given} is not a URL that starts with http:// or https://`, {
    hint: "for example --to http://127.0.0.1:4318",
  });
}

function headersOf({ to, header = [] }: ImportOptions): Readonly<Record<string, string>> {
  if (header.length > 0 && to === undefined) throw new LearnError("invalid", "--header is for --to, and there is none");
  const pairs = header.map((given) => {
    const [, key, value] = /^([^=]+)=(.*)$/s.exec(given) ?? [];
    const hint = "write --header key=value, for example --header authorization='Bearer TOKEN'";
    // Never quoted: it may be a secret.
    if (key === undefined || value === undefined) throw new LearnError("invalid", "a --header has no = in it", { hint });
    try {
      return [...new Headers([[key.trim(), value]])][0] as [string, string];
    } catch (cause) {
      throw new LearnError("invalid", `--header ${key.trim()}: name or value can't stand in HTTP`, { hint, cause });
    }
  });
  return Object.fromEntries(pairs);
}

function text(reports: readonly FileReport[]): string {
  const rows = reports.map((report) => [
    report.file,
    report.format,
    String(report.bodies),
    String(report.spans),
    String(report.logs),
    String(report.skipped),
    report.resumedAfter === 0 ? "" : `went on after ${report.resumedAfter}`,
  ]);
  const lines = [table(["file", "format", "requests", "spans", "logs", "skipped", ""], rows)];
  for (const { file, rejected } of reports)
    if (rejected > 0) lines.push(`${printable(file)}: ${rejected} spans have no valid ids and can't be used`);
  for (const { file, format, badPieces, skipped } of reports) {
    for (const bad of badPieces) lines.push(printable(`skipped ${placeOf({ name: file, format }, bad)}: ${bad.reason}`));
    if (skipped > badPieces.length) lines.push(`skipped ${printable(file)}: ${skipped - badPieces.length} more`);
  }
  return lines.join("\n");
}
