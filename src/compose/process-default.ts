import type { GivenKnowledge, KnowledgeCallOptions } from "../agent/knowledge-client.ts";
import { createReporter } from "../telemetry/report.ts";
import { AgentLearn } from "./agent-learn.ts";

let instance: AgentLearn | undefined;
let failed = false;

/** The knowledge for a task from the store or collector that AGENTLEARN_STORE / AGENTLEARN_ENDPOINT name; "" when nothing applies. Never rejects. */
export async function getKnowledge(task: string, options: KnowledgeCallOptions = {}): Promise<string> {
  return (await processDefault()?.getKnowledge(task, options)) ?? "";
}

/** The same with the items; everything inside the callback belongs to one run. */
export async function withKnowledge<T>(
  task: string,
  fn: (knowledge: GivenKnowledge) => Promise<T> | T,
  options: KnowledgeCallOptions = {},
): Promise<T> {
  const learn = processDefault();
  return learn === undefined ? fn({ text: "", items: [] }) : learn.withKnowledge(task, fn, options);
}

/** The text of an item of which only a line was given (injector hybrid): what the tool `recallKnowledgeTool` answers. Never rejects. */
export async function recallKnowledge(id: string): Promise<string> {
  return (await processDefault()?.recallKnowledge(id)) ?? "";
}

/** Made at the first call, so that importing the package opens nothing. A wrong environment is reported once. */
function processDefault(): AgentLearn | undefined {
  if (instance !== undefined || failed) return instance;
  try {
    instance = new AgentLearn();
  } catch (caught) {
    failed = true;
    createReporter("getKnowledge").failure("the settings can't be used", caught);
  }
  return instance;
}
