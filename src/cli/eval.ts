import type { Command } from "commander";
import type { EvalCase } from "../evaluation/evaluation.ts";
import { type CaseWear, wearOf } from "../knowledge/wear.ts";
import type { Store } from "../store/ports.ts";
import { contextOf } from "./context.ts";
import { paint, table } from "./terminal.ts";

export function addEval(program: Command): void {
  const group = program.command("eval").description("the cases that candidates are tested on");
  group.command("cases").description("every eval case, and how often it has decided about an item").action(cases);
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
