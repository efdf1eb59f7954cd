/**
 * Turns text into vectors whose dot product says how near two texts are in meaning: the vectors have unit length, so it is the cosine.
 */
export interface EmbeddingModel {
  /** Names the model and its version. Vectors of two models with different ids must never be compared, nor stored under one name. */
  readonly id: string;
  /** Length of every vector. */
  readonly dimensions: number;
  /**
   * One vector a text, in the order of `texts`; each has unit length, or is all zeros where the text holds nothing to embed (empty, blank).
   * The vectors belong to the caller. Very long text is cut, never refused. Rejects "cancelled" when `signal` aborts, "unavailable" or "timeout"
   * where trying again may help, "invalid" where it cannot.
   */
  embed(texts: readonly string[], signal?: AbortSignal): Promise<readonly Float32Array[]>;
  /** The same for one text, at once: there only where a model needs neither network nor thread. */
  embedNow?(text: string): Float32Array;
}

/** A model that answers at once. */
export interface ImmediateEmbeddingModel extends EmbeddingModel {
  embedNow(text: string): Float32Array;
}
