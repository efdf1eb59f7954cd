import { searchWords } from "../base/search-words.ts";
import { appliesTo, type ItemInUse, type Scope, scopeOf } from "../knowledge/knowledge-item.ts";
import { createProvenLists } from "./proven-lists.ts";
import type { SlotFilter } from "./ranked.ts";
import { createWordIndex } from "./word-index.ts";

/** Active items in memory, and the ways to find them. Everything answers at once. */
export interface KnowledgeIndex {
  /** Adds an item, or puts it in the place of the one with its id. */
  put(item: ItemInUse): void;
  remove(id: string): void;
  has(id: string): boolean;
  ids(): Iterable<string>;
  size(): number;
  /** As `KnowledgeSearch` says. */
  pinned(asking: Scope): readonly ItemInUse[];
  proven(agentName: string, limit: number): readonly ItemInUse[];
  search(task: string, limit: number, asking: Scope): readonly ItemInUse[];
  /** Of the typed arrays; items and words come on top. */
  bytes(): number;
}

export function createKnowledgeIndex(): KnowledgeIndex {
  const words = createWordIndex();
  const items: (ItemInUse | undefined)[] = [];
  const slots = new Map<string, number>();
  const free: number[] = [];
  // Scopes are few: each is compared with who asks once per question, however many items have it.
  const scopes: Scope[] = [];
  const scopeNumbers = new Map<string, number>();
  const scopeOfSlot: number[] = [];
  const pinned = new Map<string, ItemInUse>();
  const proven = createProvenLists();

  function scopeNumber(item: ItemInUse): number {
    const scope = scopeOf(item);
    const key = JSON.stringify(scope);
    const known = scopeNumbers.get(key);
    if (known !== undefined) return known;
    scopeNumbers.set(key, scopes.length);
    return scopes.push(scope) - 1;
  }

  function forget(id: string): number | undefined {
    const slot = slots.get(id);
    const item = slot === undefined ? undefined : items[slot];
    if (slot === undefined || item === undefined) return undefined;
    words.remove(slot, textsOf(item));
    items[slot] = undefined;
    slots.delete(id);
    pinned.delete(id);
    proven.remove(item);
    return slot;
  }

  function filterFor(asking: Scope): SlotFilter {
    const applies = scopes.map((scope) => appliesTo(scope, asking));
    return (slot) => applies[scopeOfSlot[slot] as number] === true && items[slot]?.priority === "normal";
  }

  return {
    put(item) {
      const known = slots.get(item.id);
      const before = known === undefined ? undefined : items[known];
      const sameText = before !== undefined && before.content === item.content && before.appliesWhen === item.appliesWhen;
      const slot = sameText ? (known as number) : (forget(item.id) ?? free.pop() ?? items.length);
      if (before !== undefined && sameText) proven.remove(before);
      else words.add(slot, textsOf(item));
      items[slot] = item;
      slots.set(item.id, slot);
      scopeOfSlot[slot] = scopeNumber(item);
      if (item.priority === "pinned") pinned.set(item.id, item);
      else pinned.delete(item.id);
      proven.add(item);
    },
    remove(id) {
      const slot = forget(id);
      if (slot !== undefined) free.push(slot);
    },
    has: (id) => slots.has(id),
    ids: () => slots.keys(),
    size: () => slots.size,
    pinned: (asking) => [...pinned.values()].filter((item) => appliesTo(item, asking)).sort(oldestFirst),
    proven: (agentName, limit) => proven.best(agentName, limit),
    search(task, limit, asking) {
      const asked = searchWords(task);
      if (asked.length === 0) return [];
      const found = words.best(asked, limit, filterFor(asking));
      return found.flatMap(({ slot }) => items[slot] ?? []);
    },
    bytes: () => words.bytes(),
  };
}

function textsOf(item: ItemInUse): readonly string[] {
  return [item.content, item.appliesWhen];
}

function oldestFirst(left: ItemInUse, right: ItemInUse): number {
  return left.createdAtUs - right.createdAtUs || (left.id < right.id ? -1 : 1);
}
