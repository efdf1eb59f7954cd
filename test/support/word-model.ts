import { createHash } from "node:crypto";
import { tokenSet } from "../../src/base/similarity.ts";
import type { EmbeddingModel } from "../../src/embedding/embedding-model.ts";

const DIMENSIONS = 512;

/** A model whose vectors say which words a text has: texts are as near as the words they share. Texts with a word in common have a cosine above 0. */
export function createWordModel(): EmbeddingModel {
  return { id: "words-512", dimensions: DIMENSIONS, embed: async (texts) => texts.map(vectorOf) };
}

function vectorOf(text: string): Float32Array {
  const vector = new Float32Array(DIMENSIONS);
  for (const word of tokenSet(text)) {
    const place = createHash("sha256").update(word).digest().readUInt32BE(0) % DIMENSIONS;
    vector[place] = 1;
  }
  const length = Math.hypot(...vector);
  return length === 0 ? vector : vector.map((value) => value / length);
}
