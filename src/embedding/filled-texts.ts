import { LearnError } from "../base/error.ts";

/** Embeds the texts that hold something with `embed`; blank ones get the zero vector and are never sent, because most servers refuse them. */
export async function embedFilled(
  texts: readonly string[],
  dimensions: number,
  embed: (texts: readonly string[], signal?: AbortSignal) => Promise<readonly Float32Array[]>,
  signal?: AbortSignal,
): Promise<readonly Float32Array[]> {
  if (signal?.aborted) throw new LearnError("cancelled", "the embedding was cancelled", { cause: signal.reason });
  const filled = texts.filter(isFilled);
  const vectors = filled.length === 0 ? [] : await embed(filled, signal);
  let next = 0;
  return texts.map((text) => (isFilled(text) ? (vectors[next++] as Float32Array) : new Float32Array(dimensions)));
}

function isFilled(text: string): boolean {
  return text.trim() !== "";
}
