import { searchWords } from "../base/search-words.ts";
import type { EmbeddingModel } from "../embedding/embedding-model.ts";
import { appliesTo, type ItemInUse, type Scope, scopeOf } from "../knowledge/knowledge-item.ts";
import { fuse } from "./fuse.ts";
import { createProvenLists } from "./proven-lists.ts";
import type { SlotFilter } from "./ranked.ts";
import { relevant } from "./relevance.ts";
import type { VectorTable } from "./vector-table.ts";
import { createWordIndex } from "./word-index.ts";

/** Active items in memory, and the ways to find them. Everything answers at once. */
export interface KnowledgeIndex {
  /** Adds an item, or puts it in the place of the one with its id. True when its words are new: it has no vectors then. */
  put(item: ItemInUse): boolean;
  remove(id: string): void;
  get(id: string): ItemInUse | undefined;
  /** Where the item stands while its words are these; a table that follows the index goes by it. */
  slotOf(item: ItemInUse): number | undefined;
  ids(): Iterable<string>;
  size(): number;
  /** Oldest first. */
  all(): readonly ItemInUse[];
  /** As `KnowledgeSearch` says. */
  pinned(asking: Scope): readonly ItemInUse[];
  proven(asking: Scope, limit: number): readonly ItemInUse[];
  /** By words alone, or by words and `query`, a vector of the model that is searched by. Nothing below the floor of relevance.ts. */
  search(task: string, limit: number, asking: Scope, query?: Float32Array): readonly ItemInUse[];
  /** The items nearest to `query` in a table that follows the index, down to a cosine of `minimumSimilarity`. Best first, of equal ones the oldest. */
  nearest(table: VectorTable, query: Float32Array, limit: number, asking: Scope, minimumSimilarity: number): readonly ItemInUse[];
  /** Clears the places of the table whose words go, until the function returned is called. */
  follow(table: VectorTable): () => void;
  /** From now on, in the place of the table before. */
  searchBy(table: VectorTable, model: EmbeddingModel): void;
  /** The model of the vectors that are searched; undefined while there are none. */
  model(): EmbeddingModel | undefined;
  /** Of the typed arrays; items and words come on top. */
  bytes(): number;
}

/** Places of each ranking that take part in the fusion. Deeper ones add less than 1 / 110. */
export const LEAST_DEPTH = 50;

/** `floor`: what is let in; another one only to measure the ranking without it. */
export function createKnowledgeIndex({ floor = relevant }: { readonly floor?: typeof relevant } = {}): KnowledgeIndex {
  const words = createWordIndex();
  const items: (ItemInUse | undefined)[] = [];
  const slots = new Map<string, number>();
  const free: number[] = [];
  // Scopes are few: each is compared with who asks once per question, however many items have it.
  const scopes: Scope[] = [];
  const scopeNumbers = new Map<string, number>();
  /** Number of the scope plus one, of slots that a search may find; 0 for the others. */
  let scopeOfSlot = new Uint16Array(1 << 10);
  const pinned = new Map<string, ItemInUse>();
  const proven = createProvenLists();
  const tables = new Set<VectorTable>();
  let vectors: { readonly table: VectorTable; readonly model: EmbeddingModel } | undefined;

  /** From 1. */
  function scopeNumber(item: ItemInUse): number {
    const key = `${part(item.agentName)}${part(item.service)}${part(item.model)}${part(item.tenant)}`;
    const known = scopeNumbers.get(key);
    if (known !== undefined) return known;
    const number = scopes.push(scopeOf(item));
    scopeNumbers.set(key, number);
    return number;
  }

  function forget(id: string): number | undefined {
    const slot = slots.get(id);
    const item = slot === undefined ? undefined : items[slot];
    if (slot === undefined || item === undefined) return undefined;
    words.remove(slot, textsOf(item));
    for (const table of tables) table.clear(slot);
    items[slot] = undefined;
    scopeOfSlot[slot] = 0;
    slots.delete(id);
    pinned.delete(id);
    proven.remove(item);
    return slot;
  }

  function filterFor(asking: Scope): SlotFilter {
    const applies = Uint8Array.from([0, ...scopes.map((scope) => (appliesTo(scope, asking) ? 1 : 0))]);
    return (slot) => applies[scopeOfSlot[slot] as number] === 1;
  }

  return {
    put(item) {
      const known = slots.get(item.id);
      const before = known === undefined ? undefined : items[known];
      const sameText = before !== undefined && haveSameText(before, item);
      const slot = sameText ? (known as number) : (forget(item.id) ?? free.pop() ?? items.length);
      if (before !== undefined && sameText) proven.remove(before);
      else words.add(slot, textsOf(item));
      items[slot] = item;
      slots.set(item.id, slot);
      if (slot >= scopeOfSlot.length) scopeOfSlot = wider(scopeOfSlot);
      scopeOfSlot[slot] = item.priority === "normal" ? scopeNumber(item) : 0;
      if (item.priority === "pinned") pinned.set(item.id, item);
      else pinned.delete(item.id);
      proven.add(item);
      return !sameText;
    },
    remove(id) {
      const slot = forget(id);
      if (slot !== undefined) free.push(slot);
    },
    get: (id) => items[slots.get(id) ?? -1],
    slotOf: (item) => {
      const slot = slots.get(item.id);
      const now = slot === undefined ? undefined : items[slot];
      return now !== undefined && haveSameText(now, item) ? slot : undefined;
    },
    ids: () => slots.keys(),
    size: () => slots.size,
    all: () => items.filter((item) => item !== undefined).sort(oldestFirst),
    pinned: (asking) => [...pinned.values()].filter((item) => appliesTo(item, asking)).sort(oldestFirst),
    proven: (asking, limit) => proven.best(asking, limit),
    search(task, limit, asking, query) {
      const asked = searchWords(task);
      const filter = filterFor(asking);
      const depth = Math.max(limit, LEAST_DEPTH);
      const byWords = asked.length === 0 ? [] : words.best(asked, depth, filter);
      const table = query === undefined ? undefined : vectors?.table;
      const byVectors = query === undefined || table === undefined ? [] : table.best(query, depth, filter);
      const cosines = new Map<number, number>();
      for (const { slot, score } of byVectors) cosines.set(slot, score);
      const cosineOf = (slot: number): number | undefined => {
        if (query === undefined || table === undefined) return undefined;
        const known = cosines.get(slot) ?? table.cosine(query, slot);
        if (known !== undefined) cosines.set(slot, known);
        return known;
      };
      const admitted = floor(asked.length, byWords, byVectors, cosineOf);
      const found = fuse([admitted.byWords, admitted.byVectors]);
      return found.slice(0, limit).flatMap(({ slot }) => items[slot] ?? []);
    },
    nearest(table, query, limit, asking, minimumSimilarity) {
      const filter = filterFor(asking);
      // Equal ones come by slot, which says nothing about age: as many as are equal to the last that gets in are looked at.
      for (let wanted = limit + 1; ; wanted *= 2) {
        const found = table.best(query, wanted, filter);
        const [last, next] = [found[limit - 1]?.score, found.at(-1)?.score];
        if (found.length === wanted && next === last && next !== undefined && next >= minimumSimilarity) continue;
        return found
          .filter(({ score }) => score >= minimumSimilarity)
          .map(({ slot, score }) => ({ item: items[slot] as ItemInUse, score }))
          .sort((a, b) => b.score - a.score || oldestFirst(a.item, b.item))
          .slice(0, limit)
          .map(({ item }) => item);
      }
    },
    follow(table) {
      tables.add(table);
      return () => void tables.delete(table);
    },
    searchBy(table, model) {
      vectors = { table, model };
    },
    model: () => vectors?.model,
    bytes: () => words.bytes() + [...tables].reduce((sum, table) => sum + table.bytes(), 0),
  };
}

function haveSameText(left: ItemInUse, right: ItemInUse): boolean {
  return left.content === right.content && left.appliesWhen === right.appliesWhen;
}

/** Unlike for every two values, also for undefined. */
function part(value: string | undefined): string {
  return value === undefined ? "-" : `${value.length}:${value}`;
}

function wider(array: Uint16Array<ArrayBuffer>): Uint16Array<ArrayBuffer> {
  const larger = new Uint16Array(array.length * 2);
  larger.set(array);
  return larger;
}

function textsOf(item: ItemInUse): readonly string[] {
  return [item.content, item.appliesWhen];
}

function oldestFirst(left: ItemInUse, right: ItemInUse): number {
  return left.createdAtUs - right.createdAtUs || (left.id < right.id ? -1 : 1);
}
