import { LearnError } from "../base/error.ts";
import type { EmbeddingModel } from "../embedding/embedding-model.ts";

/** A model elsewhere has this long for a task. */
const EMBED_WAIT_MS = 150;
const MAX_EMBEDDED_CHARACTERS = 8_192;

/** The task as the model sees it; undefined for a blank one. Rejects with what the model rejects with, and "timeout" for one that takes more than 150 ms. */
export async function embedTask(model: EmbeddingModel, task: string): Promise<Float32Array | undefined> {
  if (task.trim() === "") return undefined;
  const text = task.slice(0, MAX_EMBEDDED_CHARACTERS);
  if (model.embedNow !== undefined) return model.embedNow(text);
  const [vector] = await withDeadline(model.embed([text], AbortSignal.timeout(EMBED_WAIT_MS)));
  return vector;
}

/** Also for a model that does not heed its signal. */
function withDeadline<T>(work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new LearnError("timeout", `the model took more than ${EMBED_WAIT_MS} ms`)), EMBED_WAIT_MS);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
