import { searchWords } from "../base/search-words.ts";
import { scopesMeet } from "../knowledge/conflict.ts";
import { type KnowledgeItem, scopeOf } from "../knowledge/knowledge-item.ts";
import type { LessonScope } from "../lesson/lesson-scope.ts";
import type { JudgedTrace, KnownItem, Surroundings, SurroundingsOf } from "../lesson/ports.ts";
import { stripTrace } from "../lesson/strip-knowledge.ts";
import { verdict } from "../outcome/judge.ts";
import type { Store } from "../store/ports.ts";
import type { Trace } from "../trace/trace.ts";

/** Runs looked through for each success that is wanted: most runs on a task that fails are failures. */
const LOOK_AT = 10;

/**
 * What the store knows, for analyzers: for each tenant what is its own, and the items that are for everybody. `items` are those of one moment, without
 * archived ones. With "open", everything.
 */
export function createSurroundings(
  store: Pick<Store, "searchTraces" | "getTrace" | "outcomesOf">,
  items: readonly KnowledgeItem[],
  scope: LessonScope,
): SurroundingsOf {
  if (scope === "open") {
    const all = surroundingsAmong(store, items, () => true);
    return () => all;
  }
  return (tenant) =>
    surroundingsAmong(
      store,
      items.filter((item) => item.tenant === undefined || item.tenant === tenant),
      (trace) => trace.tenant === tenant && trace.mixedTenants !== true,
    );
}

function surroundingsAmong(
  store: Pick<Store, "searchTraces" | "getTrace" | "outcomesOf">,
  items: readonly KnowledgeItem[],
  isOwn: (trace: Trace) => boolean,
): Surroundings {
  const words = items.map((item) => new Set(searchWords(`${item.content} ${item.appliesWhen}`)));
  const uses = new Map<string, number>();
  for (const set of words) for (const word of set) uses.set(word, (uses.get(word) ?? 0) + 1);
  const weightOf = (word: string): number => Math.log(1 + items.length / (uses.get(word) ?? 1));
  return {
    itemsNear: async (text, limit, of = {}) => {
      const asked = searchWords(text);
      const ranked = items.map((item, index) => ({
        item,
        score: asked.reduce((sum, word) => sum + (words[index]?.has(word) === true ? weightOf(word) : 0), 0),
      }));
      return ranked
        .filter(({ item, score }) => score > 0 && scopesMeet(scopeOf({ agentName: item.agentName, service: item.service }), of))
        .sort((a, b) => b.score - a.score || (a.item.id < b.item.id ? -1 : 1))
        .slice(0, limit)
        .map(({ item }) => knownItem(item));
    },
    successesLike: async (text, limit) => {
      const found = await store.searchTraces(text, limit * LOOK_AT);
      const runs: JudgedTrace[] = [];
      for (const { id } of found.filter(({ status }) => status === "success")) {
        if (runs.length === limit) break;
        const [trace, outcome] = [await store.getTrace(id), verdict(await store.outcomesOf(id))];
        if (outcome !== undefined && isOwn(trace)) runs.push(stripTrace({ trace, outcome }));
      }
      return runs;
    },
  };
}

function knownItem({ id, type, content, appliesWhen, status }: KnowledgeItem): KnownItem {
  return { id, type, content, appliesWhen, status };
}
