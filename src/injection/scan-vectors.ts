import { digest } from "../base/id.ts";
import type { EmbeddingModel } from "../embedding/embedding-model.ts";
import { appliesTo, type ItemInUse } from "../knowledge/knowledge-item.ts";
import type { KnowledgeSearch, VectorSearch } from "./ports.ts";

/** More active items than this call for an index. */
const MOST_LISTED = 10_000;

/**
 * Compares the task with every active item, one by one. What an item means is read from its condition and its text, once per text; texts that are gone
 * are forgotten.
 */
export function createVectorScan(options: {
  readonly search: Pick<KnowledgeSearch, "activeItems">;
  /** Asked for at the first task, so that a model nobody needs is never opened. */
  readonly model: () => Promise<EmbeddingModel>;
}): VectorSearch {
  const { search } = options;
  let known: ReadonlyMap<string, Float32Array> = new Map();

  async function vectorsOf(items: readonly ItemInUse[], model: EmbeddingModel): Promise<ReadonlyMap<string, Float32Array>> {
    const texts = new Map(items.map((item) => [keyOf(item), textOf(item)]));
    const missing = [...texts.keys()].filter((key) => !known.has(key));
    const embedded = missing.length === 0 ? [] : await model.embed(missing.map((key) => texts.get(key) ?? ""));
    const fresh = new Map(missing.map((key, index) => [key, embedded[index] as Float32Array]));
    const kept = [...texts.keys()].flatMap((key) => {
      const vector = fresh.get(key) ?? known.get(key);
      return vector === undefined ? [] : [[key, vector] as const];
    });
    known = new Map(kept);
    return known;
  }

  return {
    nearestItems: async (task, limit, asking, minimumSimilarity) => {
      if (task.trim() === "" || limit <= 0) return [];
      const model = await options.model();
      const active = await search.activeItems(MOST_LISTED);
      const items = active.filter((item) => item.priority === "normal");
      // Two calls at once may embed an item twice; both get the same vector.
      const [vectors, [asked]] = await Promise.all([vectorsOf(items, model), model.embed([task])]);
      if (asked === undefined) return [];
      return items
        .filter((item) => appliesTo(item, asking))
        .map((item) => ({ item, similarity: dot(asked, vectors.get(keyOf(item))) }))
        .filter(({ similarity }) => similarity >= minimumSimilarity)
        .sort((a, b) => b.similarity - a.similarity || a.item.createdAtUs - b.item.createdAtUs)
        .slice(0, limit)
        .map(({ item }) => item);
    },
  };
}

function textOf({ appliesWhen, content }: ItemInUse): string {
  return `${appliesWhen}\n${content}`;
}

function keyOf(item: ItemInUse): string {
  return digest([textOf(item)]);
}

/** The cosine, since the vectors have unit length. -1 for what has no vector: farther than anything. */
function dot(left: Float32Array, right: Float32Array | undefined): number {
  if (right === undefined || right.length !== left.length) return -1;
  let sum = 0;
  for (let at = 0; at < left.length; at++) sum += (left[at] as number) * (right[at] as number);
  return sum;
}
