import { searchWords } from "../base/search-words.ts";
import type { KnowledgeSearch } from "../injection/ports.ts";
import { LEAST_DEPTH } from "./knowledge-index.ts";
import { relevant } from "./relevance.ts";
import { createWordIndex } from "./word-index.ts";

/**
 * A store's own search, with the floor of relevance that the copy has: what is asked before the copy is loaded. Ranked by FTS5, which the copy's ranking by
 * words is measured against.
 */
export function createStoreAnswers(search: KnowledgeSearch): KnowledgeSearch {
  return {
    pinnedItems: (asking) => search.pinnedItems(asking),
    provenItems: (asking, limit) => search.provenItems(asking, limit),
    activeItems: (limit, asking) => search.activeItems(limit, asking),
    searchKnowledge: async (task, limit, asking) => {
      const words = searchWords(task);
      if (words.length === 0) return [];
      const found = await search.searchKnowledge(task, Math.max(limit, LEAST_DEPTH), asking);
      // Only to learn how many of the words each has.
      const index = createWordIndex();
      for (const [slot, { content, appliesWhen }] of found.entries()) index.add(slot, [content, appliesWhen]);
      const matches = new Map(index.best(words, found.length, () => true).map(({ slot, matched }) => [slot, matched]));
      const byWords = found.map((_, slot) => ({ slot, score: -slot, matched: matches.get(slot) ?? 0 }));
      const { byWords: admitted } = relevant(words.length, byWords, [], () => undefined);
      return admitted.slice(0, limit).flatMap(({ slot }) => found[slot] ?? []);
    },
  };
}
