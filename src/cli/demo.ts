import { rmSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { oneLine, printable } from "../base/text.ts";
import { heldText } from "../knowledge/conflict.ts";
import type { KnowledgeItem } from "../knowledge/knowledge-item.ts";
import type { LearnReport } from "../learner/ports.ts";
import { contextOf } from "./context.ts";
import { EXIT } from "./exit-code.ts";
import { createProgressBar } from "./progress-bar.ts";
import { DEMO_ACTIVATION, openRacingDemo, type TaskResult } from "./racing-demo.ts";
import { paint } from "./terminal.ts";
import { type Verdict, verdictOf } from "./verdict.ts";

type Decision = LearnReport["decisions"][number];

export function addDemo(program: Command): void {
  program
    .command("demo")
    .description("the whole loop on a small text-to-SQL agent: fails, learns, is tested, gets better; ends by itself")
    .action(async (_options: object, command: Command) => demo(command));
}

export interface DemoReport {
  readonly model: string;
  readonly tasks: number;
  readonly before: Accuracy;
  readonly after: Accuracy;
  readonly items: readonly DemoItem[];
  readonly plantedRefused: boolean;
  readonly store: string;
  readonly durationMs: number;
}

interface Accuracy {
  readonly passed: number;
  readonly accuracy: number;
  readonly failedTasks: readonly string[];
}

type DemoItem = Pick<KnowledgeItem, "id" | "type" | "content" | "status" | "sourceTraceIds" | "analyzer"> & {
  readonly verdict: Verdict["word"];
  readonly heldBy?: NonNullable<Decision["heldBy"]>;
  readonly reason: string;
  readonly next: string;
  readonly wins: number;
  readonly losses: number;
  readonly eValue: number;
  readonly threshold: number;
  readonly broke: readonly { readonly task: string; readonly before: string; readonly after: string }[];
};

async function demo(command: Command): Promise<void> {
  const started = Date.now();
  const { config, terminal } = contextOf(command);
  const named = command.optsWithGlobals<{ store?: string }>().store !== undefined || process.env["AGENTLEARN_STORE"] !== undefined;
  const storePath = resolve(named ? config.store.replace(/^file:/, "") : ".agentlearn/demo.db");
  // The demo's own file starts empty each time; a store that somebody named is never deleted.
  if (!named) for (const suffix of ["", "-wal", "-shm", "-owner", "-owner.json"]) rmSync(`${storePath}${suffix}`, { force: true });
  const model = config.openaiApiKey === undefined && config.openaiBaseUrl === undefined ? undefined : modelOf(config);
  const parts = await openRacingDemo({ storePath, ...(model === undefined ? {} : { model }) });
  try {
    terminal.note(`model ${parts.modelName}; ${parts.tasks.length} tasks; spans go over OTLP/HTTP to ${parts.collector.otlpHttpUrl}`);
    const bar = createProgressBar(terminal, 100, "first pass");
    const before = await parts.runTasks((done, total) => bar.to(Math.round((25 * done) / total), `first pass ${done}/${total}`));
    const harm = await parts.plantHarm(before[0]?.traceId ?? "none");
    const report = await parts.learnFromRuns(({ phase, done, total, detail }) =>
      bar.to(total === 0 ? 30 : 30 + Math.round((40 * done) / total), `${phase}: ${detail}`),
    );
    const after = await parts.runTasks((done, total) => bar.to(75 + Math.round((25 * done) / total), `second pass ${done}/${total}`));
    bar.end("done");
    const result: DemoReport = {
      model: parts.modelName,
      tasks: parts.tasks.length,
      before: accuracyOf(before),
      after: accuracyOf(after),
      items: report.decisions.flatMap((decision) => (decision.validation === undefined ? [] : [demoItem(decision, decision.validation)])),
      plantedRefused: report.decisions.some(({ item, validation }) => item.id === harm && validation?.decision === "refuse"),
      store: `file:${storePath}`,
      durationMs: Date.now() - started,
    };
    terminal.result("agentlearn.demo/v1", result, () => demoText(result));
    if (!result.plantedRefused || result.after.accuracy < result.before.accuracy) process.exitCode = EXIT.notVerified;
  } finally {
    await parts.close();
  }
}

function modelOf(config: {
  readonly model: string;
  readonly openaiApiKey?: string | undefined;
  readonly openaiBaseUrl?: string | undefined;
}) {
  return {
    name: config.model,
    ...(config.openaiApiKey === undefined ? {} : { apiKey: config.openaiApiKey }),
    ...(config.openaiBaseUrl === undefined ? {} : { baseUrl: config.openaiBaseUrl }),
  };
}

function accuracyOf(results: readonly TaskResult[]): Accuracy {
  const passed = results.filter(({ score }) => score === 1).length;
  return {
    passed,
    accuracy: passed / results.length,
    failedTasks: results.filter(({ score }) => score !== 1).map(({ task }) => task.task),
  };
}

function demoItem(decision: Decision, validation: NonNullable<KnowledgeItem["validation"]>): DemoItem {
  const { item, heldBy, next } = decision;
  const { id, type, content, status, sourceTraceIds, analyzer } = item;
  const { reason, wins, losses, eValue, threshold } = validation;
  const broke = validation.pairs
    .filter((pair) => pair.candidateScore < pair.baselineScore)
    .map((pair) => ({ task: pair.task, before: pair.baselineOutput ?? "", after: pair.candidateOutput ?? "" }));
  const { word: verdict } = verdictOf(decision);
  const held = heldBy === undefined ? {} : { heldBy };
  return { id, type, content, status, verdict, ...held, next, sourceTraceIds, analyzer, reason, wins, losses, eValue, threshold, broke };
}

/** LEARNED is in use, and what a guard wants a person to look at waits; every other verdict goes by the name that `learn` has for it. */
function verdictText({ status, verdict, heldBy }: DemoItem): string {
  if (status === "active") return paint("green", "LEARNED");
  if (verdict === "passed") return paint("yellow", "WAITS FOR YOU");
  const colour = verdict === "refused" ? "red" : "yellow";
  return paint(colour, (heldBy === undefined ? verdict : "held").toUpperCase().padEnd(7));
}

/** The page that ends the demo: before and after, each lesson with its evidence, and what to type to look on. */
export function demoText(report: DemoReport): string {
  const share = ({ passed, accuracy }: Accuracy) => `${passed}/${report.tasks} (${Math.round(100 * accuracy)} %)`;
  const lines = [
    "",
    `activation: ${DEMO_ACTIVATION}; without it (the default is approval) what passed its test would wait for your yes, since its words come from users and tools`,
    "",
    `${paint("bold", "before")}  ${share(report.before)} tasks answered correctly`,
    `${paint("bold", "after ")}  ${paint("green", share(report.after))}`,
    "",
  ];
  for (const item of report.items) {
    lines.push(`${verdictText(item)}  [${item.type.toUpperCase()}] ${item.id.slice(0, 8)}`);
    lines.push(`  ${printable(item.content)}`);
    lines.push(
      `  from      ${item.sourceTraceIds.length} runs by ${item.analyzer}: ${item.sourceTraceIds
        .slice(0, 3)
        .map((id) => id.slice(0, 12))
        .join(", ")}${item.sourceTraceIds.length > 3 ? ", …" : ""}`,
    );
    lines.push(`  evidence  ${printable(item.reason)}`);
    if (item.heldBy !== undefined)
      lines.push(`  ${oneLine(heldText(item.heldBy), 400)}`, `  next      npx agentlearn knowledge conflicts --store ${report.store}`);
    else if (item.status === "validated") lines.push(`  next      ${printable(item.next)}`);
    for (const { task, before, after } of item.broke.slice(0, 2))
      lines.push(`  broke     ${oneLine(task, 70)}: ${oneLine(before, 30)} -> ${oneLine(after, 30)}`);
    lines.push("");
  }
  const store = `--store ${report.store}`;
  const first = report.items.find(({ status }) => status === "active") ?? report.items[0];
  const source = first?.sourceTraceIds[0]?.slice(0, 12) ?? "ID";
  lines.push(`Look next (${Math.round(report.durationMs / 1000)} s, nothing left running):`);
  lines.push(
    `  npx agentlearn status ${store}`,
    `  npx agentlearn knowledge show ${first?.id.slice(0, 8) ?? "ID"} ${store}`,
    `  npx agentlearn traces show ${source} ${store}`,
  );
  return lines.join("\n");
}
