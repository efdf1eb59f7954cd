import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Command } from "commander";
import { LearnError, messageOf } from "../base/error.ts";
import { oneLine, printable } from "../base/text.ts";
import { AgentLearn } from "../compose/agent-learn.ts";
import { heldText } from "../knowledge/conflict.ts";
import type { AgentRunner } from "../knowledge/ports.ts";
import type { LearnPlan } from "../learner/plan-cycle.ts";
import type { LearnCost, LearnReport } from "../learner/ports.ts";
import { contextOf } from "./context.ts";
import { readCases } from "./eval.ts";
import { createProgressBar } from "./progress-bar.ts";
import { paint } from "./terminal.ts";
import { verdictOf } from "./verdict.ts";

export function addLearn(program: Command): void {
  program
    .command("learn")
    .description("mine new traces for lessons, retire what harms, and test the candidates")
    .option("--agent <file:export>", "module with `(task, knowledge) => answer`; without it candidates wait untested")
    .option("--judge <on|off>", "have the model judge runs that ended well as far as one can see (AGENTLEARN_JUDGE, default off)")
    .option("--judge-model <name>", "model for that, best of another family than the agent's (AGENTLEARN_JUDGE_MODEL)")
    .option("--judge-share <number>", "share of the runs that it reads (AGENTLEARN_JUDGE_SHARE, default 1)")
    .option("--concurrency <n>", "agent runs at a time while testing (default 4)")
    .option("--dry-run", "say what would be read and tested and about what it costs; write nothing, ask no model")
    .option("--wait <seconds>", "how long to wait for another process that learns on this store (default 25)")
    .option("--model <name>", "model for mining lessons (AGENTLEARN_MODEL, default gpt-4o-mini)")
    .option(
      "--budget-usd-per-cycle <usd>",
      "most USD this cycle may pay for the model; needs --model-prices (AGENTLEARN_BUDGET_USD_PER_CYCLE)",
    )
    .option("--budget-usd-per-day <usd>", "the same for the day, UTC (AGENTLEARN_BUDGET_USD_PER_DAY)")
    .option("--model-prices <list>", "MODEL=INPUT/OUTPUT in USD per million tokens, separated by commas (AGENTLEARN_MODEL_PRICES)")
    .action(async (options: LearnFlags, command: Command) => {
      const { config, terminal, withStore } = contextOf(command);
      // A dry run leaves also what arrived and was not mapped yet as it is.
      await withStore((store) => store.status(), { drain: options.dryRun !== true });
      const waitMs = options.wait === undefined ? undefined : waitFrom(options.wait);
      const learner = new AgentLearn({ ...config });
      try {
        if (options.agent !== undefined) learner.setAgentRunner(await loadRunner(options.agent));
        if (options.dryRun === true) {
          const plan = await learner.plan();
          terminal.result("agentlearn.learn-plan/v1", plan, () => planText(plan));
          return;
        }
        const bar = createProgressBar(terminal, 100, "learning");
        const report = await untilInterrupted((signal) =>
          learner.learn({
            onProgress: ({ phase, done, total, detail }) =>
              bar.to(total === 0 ? 0 : Math.round((100 * done) / total), `${phase}: ${detail}`),
            ...(waitMs === undefined ? {} : { waitMs }),
            signal,
          }),
        );
        bar.end("learned");
        terminal.result("agentlearn.learn/v1", report, () => reportText(report));
        if (report.decisions.some(({ validation }) => validation?.kind === "statistical")) {
          const worn = (await withStore(readCases)).filter((entry) => entry.wear.worn).length;
          if (worn > 0)
            terminal.note(
              paint(
                "yellow",
                `${worn} ${worn === 1 ? "eval case is" : "eval cases are"} worn: believe less what passes on them; \`agentlearn eval cases\``,
              ),
            );
        }
      } finally {
        await learner.close();
      }
    });
}

interface LearnFlags {
  readonly agent?: string;
  readonly dryRun?: boolean;
  readonly wait?: string;
}

function waitFrom(text: string): number {
  const seconds = Number(text);
  if (text.trim() === "" || !Number.isFinite(seconds) || seconds < 0 || seconds > 86_400)
    throw new LearnError("invalid", `--wait ${text} is not a number of seconds from 0 to 86400`);
  return Math.round(seconds * 1_000);
}

/** The first SIGINT or SIGTERM ends the cycle where it can be gone on with; the second ends the process. */
async function untilInterrupted<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const abort = new AbortController();
  const stop = () => abort.abort();
  process.once("SIGINT", stop).once("SIGTERM", stop);
  try {
    return await work(abort.signal);
  } catch (caught) {
    if (!abort.signal.aborted) throw caught;
    throw new LearnError("cancelled", "learning was interrupted; what was answered and decided is kept", {
      hint: "run `agentlearn learn` again to go on with this cycle",
      cause: caught,
    });
  } finally {
    process.off("SIGINT", stop).off("SIGTERM", stop);
  }
}

/** The report as people read it: what was found, decided and refused, each with its reason and what to do next. */
export function reportText(report: LearnReport): string {
  const lines = [
    `${report.tracesAnalyzed} new traces (${report.failures} failed), ${report.lessonsProposed} lessons, ${report.candidatesCreated} new candidates, ${report.durationMs} ms`,
  ];
  const { forReview = [] } = report;
  if (forReview.length > 0)
    lines.push(`${paint("yellow", "look at".padEnd(9))} ${forReview.length} judged run(s): agentlearn traces list --review`);
  for (const decision of report.decisions) {
    const { item, validation, heldBy, next } = decision;
    const { word, colour } = verdictOf(decision);
    lines.push(`${paint(colour, word.padEnd(9))} ${item.id.slice(0, 8)} ${oneLine(item.content, 160)}`);
    if (validation !== undefined) lines.push(`          ${printable(validation.reason)}`);
    if (heldBy !== undefined) lines.push(`          ${oneLine(heldText(heldBy), 400)}`);
    lines.push(paint("dim", `          next: ${next}`));
  }
  for (const [label, list] of [
    ["retired", report.deprecated],
    ["again", report.challenged ?? []],
    ["look at", report.reported ?? []],
  ] as const) {
    for (const { itemId, reason } of list) lines.push(`${paint("yellow", label.padEnd(9))} ${itemId.slice(0, 8)} ${printable(reason)}`);
  }
  for (const { analyzer, reason, traceIds } of report.refusals.slice(0, 20)) {
    lines.push(
      paint(
        "dim",
        `not a lesson (${analyzer}): ${oneLine(reason, 120)} [${traceIds
          .slice(0, 2)
          .map((id) => id.slice(0, 12))
          .join(", ")}]`,
      ),
    );
  }
  const waiting = (report.waiting ?? []).reduce((sum, { traces }) => sum + traces, 0);
  const waits = waiting === 0 ? "" : `, ${waiting} ${waiting === 1 ? "trace waits" : "traces wait"}`;
  if (report.stopped !== undefined) lines.push(paint("yellow", `stopped: ${printable(report.stopped.reason)}${waits}`));
  else
    for (const { analyzer, reason, traces } of report.waiting ?? [])
      lines.push(`waits     ${traces} for ${analyzer}: ${oneLine(reason, 160)}`);
  if (report.cost !== undefined) lines.push(costText(report.cost));
  for (const sentence of report.needed) lines.push(paint("dim", `needed    ${oneLine(sentence, 300)}`));
  return lines.join("\n");
}

function costText({ calls, inputTokens, outputTokens, usd, estimated, reused, agentRuns }: LearnCost): string {
  const parts = [
    calls === 0
      ? "no call of a model"
      : `${calls} ${calls === 1 ? "call" : "calls"} of a model, ${inputTokens} tokens in, ${outputTokens} out`,
    ...(calls === 0 ? [] : [usd === undefined ? "unknown price" : usdText(usd)]),
    ...(estimated === 0 ? [] : [`${estimated} booked at the most they can have cost, as the server did not say`]),
    ...(reused === 0 ? [] : [`${reused} answers were paid for before`]),
    ...(agentRuns === 0 ? [] : [`${agentRuns} runs of the agent`]),
  ];
  return `cost      ${parts.join("; ")}`;
}

function usdText(usd: number): string {
  return `$${usd.toFixed(usd > 0 && usd < 0.1 ? 6 : 2)}`;
}

function planText(plan: LearnPlan): string {
  const { model, calls, later, inputTokens, outputTokens, usd, candidates, agentRuns, obstacle } = plan;
  const cost = usd === undefined ? `unknown price (set modelPrices, like ${model}=INPUT/OUTPUT)` : `about ${usdText(usd)}`;
  return [
    ...(plan.resumes === undefined
      ? []
      : [`goes on with cycle ${plan.resumes.slice(0, 8)}; what it paid for is used again and not in these figures`]),
    `would read   ${plan.traces} new traces, ${plan.failures} of them failed`,
    model === undefined
      ? "would ask    no model: none is configured (OPENAI_API_KEY or OPENAI_BASE_URL)"
      : `would ask    ${model} ${calls} times, about ${inputTokens} tokens in and ${outputTokens} out, ${cost}`,
    ...(later === 0 ? [] : [`would leave  ${later} failed runs to the next cycle`]),
    `would test   ${obstacle === undefined ? `${candidates} candidates, with at least ${agentRuns} runs of the agent` : `none of ${candidates} candidates: ${obstacle}`}`,
    `today        ${plan.spentToday.calls} calls, ${plan.spentToday.inputTokens + plan.spentToday.outputTokens} tokens${plan.spentToday.unpriced === 0 ? `, ${usdText(plan.spentToday.usd)}` : ", unknown price"}`,
    "nothing was written, and no model was asked",
  ].join("\n");
}

/** The function that `--agent FILE:EXPORT` names; `run` where it names none. */
export async function loadRunner(reference: string, flag = "--agent"): Promise<AgentRunner> {
  return (await loadFunction(flag, reference, "run")) as AgentRunner;
}

/** The function that `FLAG FILE:EXPORT` names. Rejects "invalid" that says what is there instead. */
export async function loadFunction(flag: string, reference: string, fallback: string): Promise<(...args: never[]) => unknown> {
  const [, file, name = fallback] = /^(.*?)(?::([\w$]+))?$/.exec(reference) ?? [];
  const hint = `write ${flag} ./${flag.endsWith("agent") ? "agent" : "judge"}.mjs:${fallback}`;
  if (file === undefined || file === "") throw new LearnError("invalid", `${flag} ${reference} names no file`, { hint });
  const path = resolve(file);
  let module: Record<string, unknown>;
  try {
    module = (await import(pathToFileURL(path).href)) as Record<string, unknown>;
  } catch (cause) {
    throw new LearnError("invalid", `${flag}: ${path} can't be loaded: ${messageOf(cause)}`, {
      hint: `${hint}, an ES module that exports ${fallback}`,
      cause,
    });
  }
  const found = module[name];
  if (typeof found === "function") return found as (...args: never[]) => unknown;
  throw new LearnError("invalid", `${flag}: ${path} exports no function ${name}`, {
    hint: `it exports: ${Object.keys(module).join(", ") || "nothing"}`,
  });
}
