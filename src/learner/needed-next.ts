import type { LearnReport } from "./ports.ts";

/** What somebody would have to do for more to be learnt: each thing once, the most urgent first. */
export function neededNext(report: Omit<LearnReport, "needed">): readonly string[] {
  const { stopped, analyzerFailures = [], waiting = [], decisions, cost } = report;
  const traces = waiting.reduce((sum, part) => sum + part.traces, 0);
  const untested = decisions
    .filter(({ validation, trial }) => validation === undefined && trial === undefined)
    .map(({ next }) => next.replace(/; or `.*$/u, ""));
  const forApproval = decisions.filter(({ item }) => item.status === "validated").length;
  const undecided = decisions.filter(({ validation }) => validation?.decision === "inconclusive" && validation.kind !== "online").length;
  return [
    ...(stopped === undefined || stopped.hint === "" ? [] : [stopped.hint]),
    ...new Set(
      analyzerFailures.filter(({ message }) => message !== stopped?.reason).map(({ analyzer, message }) => `${analyzer}: ${message}`),
    ),
    ...(traces > 0 && stopped === undefined ? [`learn again: ${traces} ${traces === 1 ? "trace waits" : "traces wait"}`] : []),
    ...[...new Set(untested)].map((reason) => `${untested.filter((one) => one === reason).length} candidates ${reason}`),
    ...(undecided === 0 ? [] : [`add eval cases that fail today: ${undecided} candidates are undecided`]),
    ...(forApproval === 0 ? [] : [`decide on ${forApproval} that passed: \`agentlearn knowledge list --status validated\``]),
    ...(cost !== undefined && cost.calls > 0 && cost.usd === undefined ? ["set modelPrices to see the cost in USD"] : []),
  ];
}
