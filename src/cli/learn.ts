import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Command } from "commander";
import { LearnError, messageOf } from "../base/error.ts";
import { oneLine, printable } from "../base/text.ts";
import { AgentLearn } from "../compose/agent-learn.ts";
import { heldText } from "../knowledge/conflict.ts";
import type { AgentRunner } from "../knowledge/ports.ts";
import type { LearnReport } from "../learner/ports.ts";
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
    .action(async (options: { agent?: string }, command: Command) => {
      const { config, terminal, withStore } = contextOf(command);
      await withStore((store) => store.status());
      const learner = new AgentLearn({ ...config });
      try {
        if (options.agent !== undefined) learner.setAgentRunner(await loadRunner(options.agent));
        const bar = createProgressBar(terminal, 100, "learning");
        const report = await learner.learn({
          onProgress: ({ phase, done, total, detail }) => bar.to(total === 0 ? 0 : Math.round((100 * done) / total), `${phase}: ${detail}`),
        });
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
  return lines.join("\n");
}

/** The function that `--agent FILE:EXPORT` names; `run` where it names none. */
export async function loadRunner(reference: string): Promise<AgentRunner> {
  return (await loadFunction("--agent", reference, "run")) as AgentRunner;
}

/** The function that `FLAG FILE:EXPORT` names. Rejects "invalid" that says what is there instead. */
export async function loadFunction(flag: string, reference: string, fallback: string): Promise<(...args: never[]) => unknown> {
  const [, file, name = fallback] = /^(.*?)(?::([\w$]+))?$/.exec(reference) ?? [];
  const hint = `write ${flag} ./${flag === "--agent" ? "agent" : "judge"}.mjs:${fallback}`;
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
