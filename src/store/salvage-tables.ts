import type { Row } from "./driver.ts";
import { numberOf, textOf } from "./values.ts";

/** What the columns of a row must be for the row to count: a scribbled page may still read as rows. */
export interface TableShape {
  readonly name: string;
  /** Leads the key. */
  readonly key: string;
  readonly numbers: readonly string[];
  /** Names and ids: never empty. */
  readonly texts: readonly string[];
  /** JSON. */
  readonly documents: readonly string[];
}

const shape = (name: string, key: string, numbers: string, texts: string, documents = ""): TableShape => {
  const list = (words: string): readonly string[] => words.split(" ").filter((word) => word !== "");
  return { name, key, numbers: list(numbers), texts: list(texts), documents: list(documents) };
};

export type SalvagedTable =
  | "w3c_trace"
  | "span"
  | "log"
  | "raw_body"
  | "unmapped_body"
  | "unmappable_body"
  | "trace"
  | "step"
  | "outcome"
  | "feedback"
  | "exposure"
  | "folded_exposure"
  | "knowledge"
  | "history"
  | "validation"
  | "refusal"
  | "kept_run"
  | "eval_case"
  | "eval_run"
  | "learn_cycle"
  | "model_call"
  | "snapshot"
  | "knowledge_conflict"
  | "trial_ration";

export const SHAPES: Readonly<Record<SalvagedTable, TableShape>> = {
  w3c_trace: shape("w3c_trace", "ref", "ref span_count last_arrival_us pending", "trace_id"),
  span: shape("span", "trace_ref", "trace_ref", "span_id", "body"),
  log: shape("log", "trace_ref", "trace_ref", "digest", "body"),
  raw_body: shape("raw_body", "id", "id received_at_us", "format signal encoding", "trace_ids"),
  unmapped_body: shape("unmapped_body", "body_id", "body_id", ""),
  unmappable_body: shape("unmappable_body", "body_id", "body_id at_us", ""),
  trace: shape("trace", "ref", "ref trace_ref start_time_us end_time_us step_count analyzed", "id completeness", "detail"),
  step: shape("step", "run_ref", "run_ref seq start_time_us end_time_us", "kind", "body"),
  outcome: shape("outcome", "run_id", "score created_at_us", "run_id source status", "evidence"),
  feedback: shape("feedback", "id", "id score created_at_us", "trace_id given_id"),
  exposure: shape("exposure", "item_id", "probability", "item_id run_id arm"),
  folded_exposure: shape("folded_exposure", "item_id", "probability runs judged successes", "item_id arm"),
  knowledge: shape(
    "knowledge",
    "ref",
    "ref confidence created_at_us updated_at_us version",
    "id type status priority fingerprint",
    "tags source_trace_ids taint",
  ),
  history: shape("history", "item_id", "version at_us", "item_id actor action", "changes"),
  validation: shape("validation", "seq", "seq created_at_us", "id item_id kind decision", "body"),
  kept_run: shape("kept_run", "run_id", "at_us", "analyzer run_id until"),
  refusal: shape("refusal", "id", "id at_us", "analyzer", "trace_ids"),
  eval_case: shape("eval_case", "seq", "seq must_pass created_at_us", "id", "body"),
  eval_run: shape("eval_run", "seq", "seq created_at_us", "id name", "body"),
  snapshot: shape("snapshot", "seq", "seq created_at_us items", "id actor", "body"),
  knowledge_conflict: shape("knowledge_conflict", "first_id", "found_at_us", "first_id second_id kind", "body"),
  trial_ration: shape("trial_ration", "seed", "taken taken_at_us", "seed"),
  learn_cycle: shape("learn_cycle", "rowid", "started_at_us", "id", "report"),
  model_call: shape("model_call", "rowid", "at_us settled estimated input_tokens output_tokens", "id cycle_id step model"),
};

export function isSoundRow(row: Row, { numbers, texts, documents }: TableShape): boolean {
  return (
    numbers.every((column) => Number.isFinite(numberOf(row[column]))) &&
    texts.every((column) => (textOf(row[column]) ?? "") !== "" || column === "span_id") &&
    documents.every((column) => isJson(textOf(row[column])))
  );
}

function isJson(text: string | undefined): boolean {
  try {
    JSON.parse(text ?? "");
    return true;
  } catch {
    return false;
  }
}
