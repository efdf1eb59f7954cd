import type { Command } from "commander";
import { oneLine } from "../base/text.ts";
import { createEvalDesk } from "../compose/eval-desk.ts";
import type { EvalComparison, ScoreChange } from "../evaluation/compare.ts";
import type { EvalCase } from "../evaluation/evaluation.ts";
import type { JudgedRuns } from "../evaluation/judge-runs.ts";
import { type CaseWear, wearOf } from "../knowledge/wear.ts";
import type { Store } from "../store/ports.ts";
import { contextOf } from "./context.ts";
import { oneOf } from "./knowledge-filter.ts";
import { paint, table } from "./terminal.ts";

export function addEval(program: Command): void {
  const group = program.command("eval").description("the cases that candidates are tested on, and runs over them");
  group
    .command("compare <a> <b>")
    .description("stored eval run b against a, over the cases that both have; by id, unique prefix or name")
    .option(
      "--answers <open|all>",
      "have the model compare the answers too, in both orders: of cases without an expected answer, or of all",
    )
    .action(compare);
  group.command("cases").description("every eval case, and how often it has decided about an item").action(cases);
}

async function compare(a: string, b: string, options: { readonly answers?: string }, command: Command): Promise<void> {
  const { config, terminal, withStore } = contextOf(command);
  const judge = oneOf("--answers", "way to compare answers", options.answers, ["open", "all"] as const);
  const compared = await withStore((store) =>
    createEvalDesk({ store, needStore: () => undefined, config }).compare(a, b, judge === undefined ? {} : { judge }),
  );
  terminal.result("agentlearn.eval.compare/v1", { comparison: compared }, () => comparisonText(compared));
}

function comparisonText(compared: EvalComparison): string {
  const { commonCases, onlyInA, onlyInB, accuracyDelta, scoreDelta, wins, losses, p, regressions, improvements, judged } = compared;
  const left = onlyInA + onlyInB === 0 ? "" : `; ${onlyInA} only in a and ${onlyInB} only in b count nowhere`;
  const change = (colour: "green" | "red", word: string) => (one: ScoreChange) =>
    `${paint(colour, word.padEnd(9))} ${one.before.toFixed(2)} -> ${one.after.toFixed(2)}  ${oneLine(one.task, 120)}`;
  return [
    `${commonCases} common cases${left}`,
    `accuracy  ${points(accuracyDelta)}, mean score ${points(scoreDelta)}; ${wins} wins and ${losses} losses, p ${p.toFixed(3)} that b is not better`,
    ...regressions.slice(0, SHOWN).map(change("red", "lower")),
    ...improvements.slice(0, SHOWN).map(change("green", "higher")),
    ...(judged === undefined ? [] : judgedLines(judged)),
  ].join("\n");
}

function judgedLines({ which, pairs, betterInA, betterInB, ties, disagreed, p, unjudged, family }: JudgedRuns): readonly string[] {
  const of = which === "open" ? "cases without an expected answer" : "cases";
  const toLook = pairs.filter(({ agreed }) => !agreed);
  return [
    `answers   of ${pairs.length} ${of}, asked in both orders: b better in ${betterInB}, a in ${betterInA}, ${ties} ties (${disagreed} because the order decided), p ${p.toFixed(3)}`,
    ...pairs
      .filter(({ better }) => better !== "tie")
      .slice(0, SHOWN)
      .map(({ better, task, reasoning }) => `${better} better  ${oneLine(task, 80)}: ${oneLine(reasoning, 160)}`),
    ...toLook
      .slice(0, SHOWN)
      .map(({ task, reasoning }) => `${paint("yellow", "look at".padEnd(9))} ${oneLine(task, 80)}: ${oneLine(reasoning, 160)}`),
    ...unjudged.slice(0, SHOWN).map(({ caseId, reason }) => paint("dim", `not judged ${oneLine(caseId, 40)}: ${oneLine(reason, 160)}`)),
    ...(family === undefined ? [] : [paint("yellow", family)]),
  ];
}

const SHOWN = 20;

function points(share: number): string {
  return `${share < 0 ? "" : "+"}${(100 * share).toFixed(1)} points`;
}

async function cases(_options: object, command: Command): Promise<void> {
  const { terminal, withStore } = contextOf(command);
  const shown = await withStore(readCases);
  const worn = shown.filter((entry) => entry.wear.worn).length;
  terminal.result("agentlearn.eval.cases/v1", { cases: shown, worn }, () => {
    if (shown.length === 0) return "no eval cases; add some with learn.eval.add({ taskInput, expectedOutput })";
    const rows = shown.map(({ id, mustPass, wear, task }) => [
      id.slice(0, 8),
      mustPass ? "yes" : "",
      String(wear.decided),
      String(wear.again),
      String(wear.runs),
      wear.worn ? "worn" : "",
      task,
    ]);
    const warning = `${worn} of ${shown.length} cases have decided more often than there are cases: what passes on them is chosen to fit them. Replace them by fresh ones.`;
    return [
      table(["id", "must pass", "decided", "again", "runs", "wear", "task"], rows),
      ...(worn === 0 ? [] : [paint("yellow", warning)]),
    ].join("\n");
  });
}

/** Every stored eval case with its wear. */
export async function readCases(store: Store): Promise<readonly (EvalCase & { readonly wear: CaseWear })[]> {
  const entries = await store.listEvalCases();
  const wear = wearOf(await store.validations(), entries.length);
  return entries.map((entry) => ({ ...entry, wear: wear.get(entry.id) ?? UNUSED }));
}

const UNUSED: CaseWear = { decided: 0, again: 0, runs: 0, lastUsedAtUs: 0, worn: false };
