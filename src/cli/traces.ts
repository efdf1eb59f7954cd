import type { Command } from "commander";
import { LearnError } from "../base/error.ts";
import { oneLine, printable } from "../base/text.ts";
import { AgentLearn } from "../compose/agent-learn.ts";
import type { Blame } from "../knowledge/blame.ts";
import { verdict } from "../outcome/judge.ts";
import type { Outcome, OutcomeStatus } from "../outcome/outcome.ts";
import type { Trace, TraceSummary } from "../trace/trace.ts";
import { contextOf } from "./context.ts";
import { limitOf } from "./knowledge.ts";
import { loadRunner } from "./learn.ts";
import { paint, table } from "./terminal.ts";

const STATES: readonly OutcomeStatus[] = ["success", "failure", "partial"];

export function addTraces(program: Command): void {
  const group = program.command("traces").description("read agent runs; ids may be unique prefixes");
  group
    .command("list")
    .description("newest first")
    .option("--status <status>", `one of ${STATES.join(", ")}`)
    .option("--review", "only runs that a person should look at: those who judged disagree, or a run talks to its judge")
    .option("--limit <n>", "at most this many (default 20)")
    .action(async (options: { status?: string; review?: boolean; limit?: string }, command: Command) => {
      const { terminal, withStore } = contextOf(command);
      const status = options.status as OutcomeStatus | undefined;
      if (status !== undefined && !STATES.includes(status))
        throw new LearnError("invalid", `--status ${status} is not an outcome`, { hint: `one of ${STATES.join(", ")}` });
      const limit = limitOf(options.limit, 20);
      const filter = { ...(status === undefined ? {} : { status }), ...(options.review === true ? { review: true } : {}), limit };
      const traces = await withStore((store) => store.listTraces(filter));
      terminal.result("agentlearn.traces.list/v1", { traces }, () => summaries(traces));
    });
  group
    .command("show <id>")
    .description("one run: task, steps, outcomes, knowledge given and withheld")
    .action(async (id: string, _options: object, command: Command) => {
      const { terminal, withStore } = contextOf(command);
      const shown = await withStore(async (store) => {
        const trace = await store.getTrace(id);
        return { trace, outcomes: await store.outcomesOf(trace.id) };
      });
      terminal.result("agentlearn.traces.show/v1", shown, () => traceText(shown.trace, shown.outcomes));
    });
  group
    .command("feedback <id>")
    .description("say how good a run was; what people say counts before everything else")
    .requiredOption("--score <number>", "from 0 (bad) to 1 (good)")
    .option("--comment <text>", "why")
    .option("--source <name>", "who says so (default user)")
    .action(giveFeedback);
  group
    .command("blame <id>")
    .description("which of the knowledge items given to a run made it fail, by causal evidence")
    .option("--replay", "repeat the run with each item left out; needs --agent and an eval case with the same task")
    .option("--agent <file:export>", "module with `(task, knowledge) => answer`")
    .option("--replicates <n>", "runs with everything, and as many without each item (default 8)")
    .action(showBlame);
  group
    .command("search <words...>")
    .description("full-text over tasks, outputs and errors")
    .option("--limit <n>", "at most this many (default 20)")
    .action(async (words: string[], options: { limit?: string }, command: Command) => {
      const { terminal, withStore } = contextOf(command);
      const limit = limitOf(options.limit, 20);
      const traces = await withStore((store) => store.searchTraces(words.join(" "), limit));
      terminal.result("agentlearn.traces.search/v1", { traces }, () => summaries(traces));
    });
}

async function giveFeedback(id: string, options: { score: string; comment?: string; source?: string }, command: Command): Promise<void> {
  const { terminal, withStore } = contextOf(command);
  const { comment, source } = options;
  // Number("") is 0, and nobody means that.
  const score = options.score.trim() === "" ? Number.NaN : Number(options.score);
  const said = await withStore(async (store) => {
    const { id: traceId } = await store.getTrace(id);
    await store.addFeedback({ traceId, score, ...(comment === undefined ? {} : { comment }), ...(source === undefined ? {} : { source }) });
    // Judged again with it now: whoever lists next sees it.
    await store.drain({ force: false });
    return { traceId, verdict: verdict(await store.outcomesOf(traceId)) };
  });
  terminal.result("agentlearn.traces.feedback/v1", said, () => `${said.traceId}  ${said.verdict?.status ?? "not judged"}`);
}

async function showBlame(id: string, options: { replay?: boolean; agent?: string; replicates?: string }, command: Command): Promise<void> {
  const { config, terminal, withStore } = contextOf(command);
  await withStore((store) => store.status());
  const learn = new AgentLearn({ ...config });
  try {
    if (options.agent !== undefined) learn.setAgentRunner(await loadRunner(options.agent));
    const replicates = limitOf(options.replicates, 8, "--replicates");
    const result = await learn.blame(id, options.replay === true ? { replay: true, replicates } : {});
    terminal.result("agentlearn.traces.blame/v1", result, () => blameText(result));
  } finally {
    await learn.close();
  }
}

function blameText({ runId, status, conclusion, suspects, unknownItems }: Blame): string {
  const lines = [`${paint("bold", runId)}  ${status}`, printable(conclusion)];
  for (const [index, suspect] of suspects.entries()) {
    lines.push(
      "",
      `${index + 1}. ${suspect.itemId.slice(0, 8)} ${suspect.status}${suspect.editedSince ? ", edited since" : ""}  ${oneLine(suspect.content, 160)}`,
    );
    lines.push(`   ${paint(suspect.verdict === "harms" ? "red" : "dim", printable(suspect.finding))}`);
  }
  if (unknownItems.length > 0)
    lines.push("", `given, and not stored any more: ${unknownItems.map((id) => printable(id.slice(0, 8))).join(", ")}`);
  return lines.join("\n");
}

function summaries(traces: readonly TraceSummary[]): string {
  if (traces.length === 0) return "no traces";
  return table(
    ["id", "outcome", "score", "steps", "ms", "complete", "task"],
    traces.map((trace) => [
      trace.id.slice(0, 12),
      trace.status ?? "-",
      trace.score === undefined ? "-" : trace.score.toFixed(2),
      String(trace.stepCount),
      String(Math.round(trace.durationMs)),
      trace.completeness,
      trace.task,
    ]),
  );
}

/** What an outcome rests on is shown where somebody is asked to look. */
function outcomeText({ source, status, score, reasoning, evidence, review }: Outcome): string {
  const line = `outcome ${source}: ${status} (${score.toFixed(2)}) ${oneLine(reasoning, 200)}`;
  if (review !== true) return line;
  return [`${line}  ${paint("yellow", "look at this")}`, ...evidence.map((entry) => `          ${oneLine(entry, 200)}`)].join("\n");
}

function traceText(trace: Trace, outcomes: readonly Outcome[]): string {
  const lines = [
    `${paint("bold", trace.id)}  ${trace.agentName ?? "agent"}  complete: ${trace.completeness}${trace.orphan ? ", parent never received" : ""}`,
    `task    ${printable(trace.task)}`,
    `output  ${printable(trace.output)}`,
    `model   ${printable(trace.model ?? "-")}  tokens ${trace.usage?.inputTokens ?? "-"} in, ${trace.usage?.outputTokens ?? "-"} out  ${Math.round((trace.endTimeUs - trace.startTimeUs) / 1000)} ms`,
  ];
  if (trace.tenant !== undefined || trace.mixedTenants === true)
    lines.push(`tenant  ${trace.tenant === undefined ? "several, so nothing is mined from it" : oneLine(trace.tenant, 80)}`);
  for (const outcome of outcomes) lines.push(outcomeText(outcome));
  if (trace.exposure !== undefined) {
    const short = (ids: readonly string[]) => ids.map((id) => id.slice(0, 8)).join(", ") || "none";
    lines.push(
      `given   ${short(trace.exposure.given)}; withheld ${short(trace.exposure.withheld)} (probability ${trace.exposure.withholdProbability})`,
    );
    const { listed, canary } = trace.exposure;
    if (listed !== undefined) lines.push(`listed  ${short(listed)}; not read`);
    if (canary !== undefined) lines.push(`canary  ${short(canary.ids)}: ${canary.member ? "given" : "not given"} (share ${canary.share})`);
  }
  for (const step of trace.steps) {
    lines.push(
      "",
      `${paint("cyan", `${step.seq + 1}. ${step.kind} ${printable(step.name)}`)}${step.inferred ? " (read from messages)" : ""}`,
    );
    if (step.input !== "") lines.push(`   in   ${oneLine(step.input, 400)}`);
    if (step.output !== "") lines.push(`   out  ${oneLine(step.output, 400)}`);
    if (step.error !== undefined)
      lines.push(`   ${paint("red", "error")} ${oneLine(`${step.error.type ?? ""} ${step.error.message}`, 400)}`);
  }
  return lines.join("\n");
}
