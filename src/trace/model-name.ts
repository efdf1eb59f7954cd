import type { Span } from "../span/span.ts";

/** At the end of a name: 2024-08-06, 20241022 or 0613, after a hyphen or an at sign. A provider's dates; nobody names a model otherwise so. */
const SNAPSHOT = /[-@](?:20\d{2}-\d{2}-\d{2}|20\d{6}|(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))$/;

/**
 * The model of a run, by which effects are told apart and the question about an item is opened again: the name that was asked for, as `gen_ai.request.model`
 * and what other vocabularies have for it say it, of the first model call that says one, else of an agent. That name is what a team decides; which snapshot
 * answers changes behind its back, and a call that failed has no answer to read it from, so that failures would be counted under another model than
 * successes. Emitters that only tell which model answered (the Responses API in the OpenAI Agents SDK), or have one key for both (OpenInference's
 * `llm.model_name`), get that name without the date of the snapshot: `gpt-4o` for `gpt-4o-2024-08-06`. A dated name that was asked for stays as it is.
 */
export function modelOf(root: Span, calls: readonly Span[], spans: readonly Span[]): string | undefined {
  const agents = [root, ...spans].filter(({ role }) => role === "agent" || role === "wrapper");
  const asked = [...calls, ...agents].find(({ requestModel }) => requestModel !== undefined)?.requestModel;
  if (asked !== undefined) return asked;
  const said = [...calls, root, ...spans].find(({ model }) => model !== undefined);
  return said?.requestModel ?? said?.model?.replace(SNAPSHOT, "");
}
