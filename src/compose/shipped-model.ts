import type { EmbeddingModel } from "../embedding/embedding-model.ts";
import { openStaticModel } from "../embedding/static-model.ts";

let shipped: Promise<EmbeddingModel> | undefined;

/** One table for the process: it is read-only, and some megabytes. One that can't be read now is tried again at the next task. */
export function shippedModel(): Promise<EmbeddingModel> {
  shipped ??= openStaticModel().catch((caught: unknown) => {
    shipped = undefined;
    throw caught;
  });
  return shipped;
}
