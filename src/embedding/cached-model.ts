import type { EmbeddingModel } from "./embedding-model.ts";

export interface CachedModelOptions {
  /** Texts kept; beyond it the one not asked for the longest is forgotten. Default 2,000: with 1,536 dimensions some 12 MB. */
  readonly maxTexts?: number;
  /** Longer texts are embedded each time: their keys would weigh more than their vectors. Default 4,000 characters. */
  readonly maxTextLength?: number;
}

/** Remembers vectors by text, for models that cost time or money: an agent asks for the same task again and again. Callers get copies. */
export function createCachedModel(model: EmbeddingModel, options: CachedModelOptions = {}): EmbeddingModel {
  const { maxTexts = 2_000, maxTextLength = 4_000 } = options;
  // A map keeps the order of insertion: the first key is the oldest.
  const known = new Map<string, Float32Array>();
  const recall = (text: string): Float32Array | undefined => {
    const vector = known.get(text);
    if (vector === undefined) return undefined;
    known.delete(text);
    known.set(text, vector);
    return vector;
  };
  const remember = (text: string, vector: Float32Array): void => {
    if (text.length > maxTextLength) return;
    known.delete(text);
    known.set(text, vector);
    if (known.size > maxTexts) known.delete(known.keys().next().value as string);
  };
  return {
    id: model.id,
    dimensions: model.dimensions,
    embed: async (texts, signal) => {
      const found = new Map<string, Float32Array>();
      const missing: string[] = [];
      for (const text of new Set(texts)) {
        const vector = recall(text);
        if (vector === undefined) missing.push(text);
        else found.set(text, vector);
      }
      const fresh = missing.length === 0 ? [] : await model.embed(missing, signal);
      missing.forEach((text, index) => {
        const vector = fresh[index] as Float32Array;
        found.set(text, vector);
        remember(text, vector);
      });
      return texts.map((text) => Float32Array.from(found.get(text) as Float32Array));
    },
  };
}
