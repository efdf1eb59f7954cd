import { findingsIn } from "../../src/learner/diagnose.ts";
import { batchOf } from "../unit/span/payloads.ts";

/** What the diagnosis finds in a recorded payload, with or without its log records. */
export function findingsOf(name: string, { logs = true }: { readonly logs?: boolean } = {}): ReturnType<typeof findingsIn> {
  const batch = batchOf(name);
  return findingsIn(logs ? batch : { ...batch, logs: [] });
}
