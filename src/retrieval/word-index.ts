import { createPostingPool } from "./posting-pool.ts";
import type { Ranked, SlotFilter } from "./ranked.ts";
import { createTopList } from "./top-list.ts";
import { createVocabulary } from "./vocabulary.ts";

export interface WordMatch extends Ranked {
  /** How many of the words asked for the slot has. */
  readonly matched: number;
}

/** BM25 over numbered slots, as FTS5's bm25() reckons: k1 = 1.2, b = 0.75, all columns of an item as one text. */
export interface WordIndex {
  /** A slot holds one item; to change it, remove it first. Slots are below 2^24 and dense: memory is taken up to the highest. */
  add(slot: number, texts: readonly string[]): void;
  /** Forgets a slot that was added with these very texts. It may be used again. */
  remove(slot: number, texts: readonly string[]): void;
  /** The best slots that pass the filter, best first, equal ones by number. Words as `searchWords` gives them. */
  best(words: readonly string[], count: number, filter: SlotFilter): readonly WordMatch[];
  /** Slots in the index. */
  size(): number;
  bytes(): number;
}

const K1 = 1.2;
const B = 0.75;
/** FTS5's floor of the inverse document frequency: a word that most items have still counts a little. */
const LEAST_WEIGHT = 1e-6;
const MOST_COUNTED = 255;

export function createWordIndex(): WordIndex {
  const vocabulary = createVocabulary();
  const postings = createPostingPool();
  let terms = 0;
  const counts = new Map<number, number>();
  let lengths = new Uint16Array(1 << 10);
  let scores = new Float64Array(1 << 10);
  let matched = new Uint8Array(1 << 10);
  let size = 0;
  let totalLength = 0;

  /** Counts the terms of the texts into `counts` and returns their number. */
  function count(texts: readonly string[]): number {
    counts.clear();
    let length = 0;
    for (const text of texts) {
      for (const term of vocabulary.learn(text)) {
        counts.set(term, (counts.get(term) ?? 0) + 1);
        length += 1;
      }
    }
    return length;
  }

  function weightOf(term: number): number {
    const having = postings.length(term);
    return Math.max(LEAST_WEIGHT, Math.log((size - having + 0.5) / (having + 0.5)));
  }

  return {
    add(slot, texts) {
      const length = count(texts);
      for (const [term, times] of counts) {
        while (terms <= term) terms = postings.open() + 1;
        postings.append(term, slot * 256 + Math.min(MOST_COUNTED, times));
      }
      if (slot >= lengths.length) {
        const room = Math.max(slot + 1, lengths.length * 2);
        const longer = new Uint16Array(room);
        longer.set(lengths);
        lengths = longer;
        scores = new Float64Array(room);
        matched = new Uint8Array(room);
      }
      lengths[slot] = Math.min(65_535, length);
      size += 1;
      totalLength += length;
    },
    remove(slot, texts) {
      const length = count(texts);
      const values = postings.values();
      for (const term of counts.keys()) {
        const start = postings.start(term);
        // Looking through the list of a word that 100,000 items have takes 0.1 ms; refused: marks on dead slots, which need rebuilding in the end.
        for (let place = 0; place < postings.length(term); place += 1) {
          if ((values[start + place] as number) >>> 8 !== slot) continue;
          postings.cut(term, place);
          break;
        }
      }
      size -= 1;
      totalLength -= length;
    },
    best(words, wanted, filter) {
      const found: number[] = [];
      const flat = K1 * (1 - B);
      const perWord = totalLength === 0 ? 0 : (K1 * B * size) / totalLength;
      const values = postings.values();
      for (const word of words) {
        const term = vocabulary.find(word);
        if (term === undefined || term >= terms) continue;
        const weight = weightOf(term);
        const from = postings.start(term);
        const to = from + postings.length(term);
        for (let at = from; at < to; at += 1) {
          const posting = values[at] as number;
          const slot = posting >>> 8;
          const times = posting & 255;
          if (matched[slot] === 0) found.push(slot);
          matched[slot] = (matched[slot] as number) + 1;
          scores[slot] = (scores[slot] as number) + (weight * times * (K1 + 1)) / (times + flat + perWord * (lengths[slot] as number));
        }
      }
      const top = createTopList(wanted);
      for (const slot of found) {
        const score = scores[slot] as number;
        if (score >= top.least() && filter(slot)) top.offer(slot, score);
        scores[slot] = 0;
      }
      const ranked = top.sorted().map(({ slot, score }) => ({ slot, score, matched: matched[slot] as number }));
      for (const slot of found) matched[slot] = 0;
      return ranked;
    },
    size: () => size,
    bytes: () => postings.bytes() + lengths.byteLength + scores.byteLength + matched.byteLength,
  };
}
