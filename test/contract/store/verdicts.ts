import type { Outcome } from "../../../src/outcome/outcome.ts";
import { T0 } from "./factories.ts";

type Said = Pick<Outcome, "source" | "status" | "score" | "createdAtUs">;

const said = (source: string, score: number, createdAtUs = T0): Said => ({
  source,
  status: score >= 0.7 ? "success" : "failure",
  score,
  createdAtUs,
});

/** Outcomes of one run, and the one that counts, by the rule that decides. */
export const verdictCases: readonly { readonly rule: string; readonly outcomes: readonly Said[]; readonly counts: Said }[] = [
  {
    rule: "a person over a newer evaluation",
    outcomes: [said("feedback:user", 0), said("evaluation:a", 1, T0 + 1)],
    counts: said("feedback:user", 0),
  },
  { rule: "an evaluation over a worse check", outcomes: [said("check:a", 0), said("evaluation:a", 1)], counts: said("evaluation:a", 1) },
  { rule: "a check over the spans", outcomes: [said("deterministic", 0), said("check:a", 1)], counts: said("check:a", 1) },
  { rule: "a failed check over a judge", outcomes: [said("check:a", 0), said("judge:llm", 1)], counts: said("check:a", 0) },
  { rule: "a failed check over a composite", outcomes: [said("check:a", 0), said("composite:all", 1)], counts: said("check:a", 0) },
  { rule: "a judge over a check that passed", outcomes: [said("check:a", 1), said("judge:llm", 0)], counts: said("judge:llm", 0) },
  { rule: "a judge over the spans", outcomes: [said("deterministic", 0), said("judge:llm", 1)], counts: said("judge:llm", 1) },
  {
    rule: "a composite over what it is made of",
    outcomes: [said("judge:llm", 0), said("signal:mine", 0), said("check:a", 1), said("composite:all", 1)],
    counts: said("composite:all", 1),
  },
  { rule: "an evaluation over a judge", outcomes: [said("judge:llm", 0), said("evaluation:a", 1)], counts: said("evaluation:a", 1) },
  { rule: "the newest feedback", outcomes: [said("feedback:a", 0, T0), said("feedback:b", 1, T0 + 1)], counts: said("feedback:b", 1) },
  {
    rule: "the worst check",
    outcomes: [said("check:a", 1, T0 + 1), said("check:b", 0.2), said("check:c", 1)],
    counts: said("check:b", 0.2),
  },
];
