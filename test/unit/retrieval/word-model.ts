import type { EmbeddingModel, ImmediateEmbeddingModel } from "../../../src/embedding/embedding-model.ts";

/** Words that mean the same to the model below. */
const SYNONYMS: Readonly<Record<string, string>> = {
  parcel: "package",
  parcels: "package",
  weigh: "weight",
  money: "cents",
  invoice: "bill",
};

/** A deterministic model: each word points somewhere, words that mean the same to the same place. */
export function aWordModel(id = "words-64", dimensions = 64): ImmediateEmbeddingModel {
  const embedNow = (text: string): Float32Array => {
    const vector = new Float32Array(dimensions);
    for (const [word] of text.toLowerCase().matchAll(/[a-z]+/g)) {
      let state = hash(`${id} ${SYNONYMS[word] ?? word}`);
      for (let at = 0; at < dimensions; at += 1) {
        state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9;
        vector[at] = (vector[at] as number) + ((state >>> 8) / 2 ** 23 - 1);
      }
    }
    const length = Math.hypot(...vector);
    return length === 0 ? vector : vector.map((value) => value / length);
  };
  return { id, dimensions, embedNow, embed: async (texts) => texts.map(embedNow) };
}

/** The same, as a model elsewhere: it counts what it was asked and answers when it is let. */
export function aFarModel(id: string, answer: () => Promise<void> = async () => undefined): EmbeddingModel & { readonly asked: string[] } {
  const near = aWordModel(id);
  const asked: string[] = [];
  return {
    id,
    dimensions: near.dimensions,
    asked,
    embed: async (texts) => {
      asked.push(...texts);
      await answer();
      return texts.map(near.embedNow);
    },
  };
}

function hash(text: string): number {
  let state = 0x811c9dc5;
  for (const character of text) state = Math.imul(state ^ character.charCodeAt(0), 0x01000193);
  return state;
}
