import { fromUnknown, LearnError } from "../base/error.ts";
import type { EmbeddingModel } from "./embedding-model.ts";
import { embedFilled } from "./filled-texts.ts";
import { unitVector } from "./unit-vector.ts";

export interface FunctionModelOptions {
  /** Name and version of what the function calls: vectors kept under one id must stay comparable. */
  readonly id: string;
  readonly dimensions: number;
  /** One vector a text, in order, of any length but zero texts; never called with blank text. May be called several times at once. */
  readonly embed: (texts: readonly string[], signal?: AbortSignal) => Promise<readonly ArrayLike<number>[]> | readonly ArrayLike<number>[];
}

/**
 * Any function as a model. Its answer is checked (count, dimensions, finite numbers) and brought to unit length, so that a wrong one rejects "invalid"
 * instead of spoiling a ranking. What the function throws rejects "internal", unless it is a LearnError already.
 */
export function createFunctionModel(options: FunctionModelOptions): EmbeddingModel {
  const { id, dimensions, embed } = options;
  if (id.trim() === "") throw new LearnError("invalid", "the embedding function has no id", { hint: "name the model and its version" });
  if (!Number.isInteger(dimensions) || dimensions < 1) {
    throw new LearnError("invalid", `the dimensions of ${id} are ${dimensions}, they must be a whole number from 1`);
  }
  const embedAll = async (texts: readonly string[], signal?: AbortSignal): Promise<readonly Float32Array[]> => {
    let vectors: readonly ArrayLike<number>[];
    try {
      vectors = await embed(texts, signal);
    } catch (caught) {
      if (signal?.aborted) throw new LearnError("cancelled", `the call to ${id} was cancelled`, { cause: caught });
      throw fromUnknown(caught, `the embedding function ${id} failed`);
    }
    if (!Array.isArray(vectors) || vectors.length !== texts.length) {
      throw new LearnError(
        "invalid",
        `${id} gave ${Array.isArray(vectors) ? vectors.length : "no list of"} vectors for ${texts.length} texts`,
      );
    }
    return vectors.map((vector: ArrayLike<number>) => unitVector(vector, dimensions, id));
  };
  return { id, dimensions, embed: (texts, signal) => embedFilled(texts, dimensions, embedAll, signal) };
}
