import type { Command } from "commander";
import { systemClock } from "../base/clock.ts";
import { LearnError } from "../base/error.ts";
import { oneLine } from "../base/text.ts";
import { gateSettings } from "../compose/from-config.ts";
import type { EvalCase } from "../evaluation/evaluation.ts";
import type { Scorer } from "../evaluation/ports.ts";
import { exactScorer } from "../evaluation/scorers.ts";
import type { ValidationCase } from "../knowledge/ports.ts";
import { type AaReport, aaTest, mostAgentRuns } from "../learner/aa-test.ts";
import { withoutTracing } from "../telemetry/suppress.ts";
import { readCaseFile } from "./case-file.ts";
import { contextOf } from "./context.ts";
import { EXIT } from "./exit-code.ts";
import { limitOf } from "./knowledge.ts";
import { loadFunction, loadRunner } from "./learn.ts";
import { createProgressBar } from "./progress-bar.ts";
import { paint } from "./terminal.ts";

interface AaFlags {
  readonly agent?: string;
  readonly cases?: string;
  readonly scorer?: string;
  readonly repetitions?: string;
}

export function addAaTest(program: Command): void {
  program
    .command("aa-test")
    .description("test your agent against itself with your cases, scorer and gate: how often would nothing at all be promoted?")
    .option("--agent <file:export>", "module with `(task, knowledge) => answer`")
    .option("--cases <file>", "JSON list, or one object a line, of { taskInput, expectedOutput }; without it the stored eval cases")
    .option("--scorer <file:export>", "module with `(output, task) => score from 0 to 1`, such as your judge; default: the expected output")
    .option("--repetitions <n>", "tests of identical arms (default 20)")
    .action(run);
}

async function run(flags: AaFlags, command: Command): Promise<void> {
  const { config, terminal, withStore } = contextOf(command);
  if (flags.agent === undefined) throw new LearnError("invalid", "aa-test needs an agent", { hint: "write --agent ./agent.mjs:run" });
  const repetitions = limitOf(flags.repetitions, 20, "--repetitions");
  const runner = await loadRunner(flags.agent);
  const scorer = flags.scorer === undefined ? undefined : ((await loadFunction("--scorer", flags.scorer, "score")) as Scorer);
  const entries = flags.cases === undefined ? await withStore((store) => store.listEvalCases()) : readCaseFile(flags.cases);
  const settings = gateSettings(config);
  const cases = entries.map((entry) => caseOf(entry, scorer));
  const most = mostAgentRuns({ ...settings, repetitions, cases: cases.length });
  // An agent that always answers the same needs its baseline and one round; a noisy one stops where a test of nothing mostly stops.
  terminal.note(
    `${repetitions} tests of identical arms on ${cases.length} cases: from ${repetitions * cases.length * 2} runs of the agent on, at most ${most}`,
  );
  const bar = createProgressBar(terminal, repetitions, "identical arms");
  const report = await withoutTracing(() =>
    aaTest({
      ...settings,
      runner,
      cases,
      repetitions,
      nowUs: systemClock.nowUs(),
      onProgress: ({ repetition, agentRuns }) => bar.to(repetition, `test ${repetition + 1} of ${repetitions}, ${agentRuns} runs`),
    }),
  );
  bar.end("done");
  terminal.result("agentlearn.aa-test/v1", report, () => text(report));
  if (report.verdict === "broken") process.exitCode = EXIT.gateFailed;
  if (report.verdict === "not-begun") process.exitCode = EXIT.notVerified;
}

function caseOf({ id, task, expected, mustPass }: EvalCase, scorer: Scorer | undefined): ValidationCase {
  const judge = scorer ?? (expected === undefined ? undefined : exactScorer(expected));
  if (judge === undefined) {
    throw new LearnError("invalid", `the case "${oneLine(task, 60)}" has no expected output, so it can't be scored`, {
      hint: "give it expectedOutput, or write --scorer ./judge.mjs:score",
    });
  }
  return { id, task, mustPass, score: (output) => judge(output, task) };
}

const VERDICTS = {
  held: ["green", "nothing speaks against the promise"],
  broken: ["red", "the gate promotes nothing at all more often than it promises: runs of your agent are not independent of each other"],
  "not-begun": ["yellow", "no test could begin, so nothing is shown"],
} as const;

function text(report: AaReport): string {
  const { promotions, repetitions, rate, interval, allowed, verdict, regressions, wentUp, flipped, agentRuns } = report;
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  const [colour, words] = VERDICTS[verdict];
  return [
    `${paint("bold", "false promotions")}  ${promotions} of ${repetitions}: ${percent(rate)} [${percent(interval.lower)}, ${percent(interval.upper)}], promised at most ${percent(allowed)}`,
    `${paint(colour, verdict)}: ${words}`,
    `the score went up in ${wentUp} of ${repetitions}; a regression was called in ${regressions}; ${percent(flipped)} of the pairs scored differently by themselves`,
    paint("dim", `${agentRuns} runs of the agent, ${report.cases} cases; the interval is exact, 95 %`),
    ...(verdict === "held" && interval.upper > allowed
      ? [
          paint(
            "dim",
            `to show a rate below ${percent(allowed)} takes about ${Math.ceil(Math.log(0.025) / Math.log(1 - allowed))} repetitions without a promotion`,
          ),
        ]
      : []),
    ...(verdict === "not-begun" ? [report.reason] : []),
  ].join("\n");
}
