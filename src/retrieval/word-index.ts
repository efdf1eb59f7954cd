import { createPostingPool } from "./posting-pool.ts";
import type { Ranked, SlotFilter } from "./ranked.ts";
import { createTopList } from "./top-list.ts";
import { createVocabulary, MOST_WORDS } from "./vocabulary.ts";

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
/** What a word adds whatever the length of the text. */
const FLAT = K1 * (1 - B);
/** Sums of doubles in another order differ in their last bits. */
const SAFETY = 1 - 1e-9;

/** A word asked for that some text has. */
interface AskedTerm {
  readonly term: number;
  readonly weight: number;
  /** No slot gets more than this by the term. */
  readonly most: number;
}

export function createWordIndex(): WordIndex {
  const vocabulary = createVocabulary();
  const postings = createPostingPool();
  let terms = 0;
  // Of the text at hand: how often it has each term, and which ones it has.
  let counts = new Uint8Array(1 << 12);
  // Typed: a plain array gives its memory back each time it is emptied.
  const found = new Uint32Array(MOST_WORDS);
  let had = new Uint32Array(1 << 10);
  let hadCount = 0;
  let lengths = new Uint16Array(1 << 10);
  let scores = new Float64Array(1 << 10);
  let matched = new Uint8Array(1 << 10);
  let touched = new Uint32Array(1 << 10);
  // Bounds, which removing a text leaves as they are: how often some text had a term, and how short a text was that had it.
  let mostTimes = new Uint8Array(1 << 12);
  let shortest = new Uint16Array(1 << 12);
  let size = 0;
  let totalLength = 0;

  /** Counts the terms of the texts and returns their number. `release` after use. */
  function count(texts: readonly string[]): number {
    let length = 0;
    for (const text of texts) {
      const words = vocabulary.learn(text, found);
      while (vocabulary.size() > counts.length) counts = wider(counts);
      while (hadCount + words > had.length) had = widened(had);
      for (let at = 0; at < words; at += 1) {
        const term = found[at] as number;
        const times = counts[term] as number;
        if (times === 0) had[hadCount++] = term;
        if (times < MOST_COUNTED) counts[term] = times + 1;
      }
      length += words;
    }
    return length;
  }

  function release(): void {
    for (let at = 0; at < hadCount; at += 1) counts[had[at] as number] = 0;
    hadCount = 0;
  }

  function weightOf(term: number): number {
    const having = postings.length(term);
    return Math.max(LEAST_WEIGHT, Math.log((size - having + 0.5) / (having + 0.5)));
  }

  /** The rarest first. */
  function termsOf(words: readonly string[], perWord: number): readonly AskedTerm[] {
    const asked: AskedTerm[] = [];
    for (const word of words) {
      const term = vocabulary.find(word);
      if (term === undefined || term >= terms || postings.length(term) === 0) continue;
      const weight = weightOf(term);
      const times = mostTimes[term] as number;
      asked.push({ term, weight, most: (weight * (K1 + 1) * times) / (times + FLAT + perWord * (shortest[term] as number)) });
    }
    return asked.sort((a, b) => b.weight - a.weight);
  }

  /** The score of the last place among the slots touched so far; -Infinity while places are left. */
  function leastOf(count: number, wanted: number, filter: SlotFilter): number {
    const top = createTopList(wanted);
    let least = top.least();
    for (let at = 0; at < count; at += 1) {
      const slot = touched[at] as number;
      const score = scores[slot] as number;
      if (score <= least || !filter(slot)) continue;
      top.offer(slot, score);
      least = top.least();
    }
    return least;
  }

  /** Forgets the touched slots with a lower score, and returns how many are left. */
  function keepAbove(count: number, score: number): number {
    let kept = 0;
    for (let at = 0; at < count; at += 1) {
      const slot = touched[at] as number;
      if ((scores[slot] as number) >= score) touched[kept++] = slot;
      else {
        matched[slot] = 0;
        scores[slot] = 0;
      }
    }
    return kept;
  }

  return {
    add(slot, texts) {
      const length = count(texts);
      const stored = Math.min(65_535, length);
      while (vocabulary.size() > mostTimes.length) {
        mostTimes = wider(mostTimes);
        const longer = new Uint16Array(mostTimes.length);
        longer.set(shortest);
        shortest = longer;
      }
      for (let at = 0; at < hadCount; at += 1) {
        const term = had[at] as number;
        while (terms <= term) terms = postings.open() + 1;
        const times = counts[term] as number;
        postings.append(term, slot * 256 + times);
        if ((mostTimes[term] as number) === 0 || stored < (shortest[term] as number)) shortest[term] = stored;
        if (times > (mostTimes[term] as number)) mostTimes[term] = times;
      }
      release();
      if (slot >= lengths.length) {
        const room = Math.max(slot + 1, lengths.length * 2);
        const longer = new Uint16Array(room);
        longer.set(lengths);
        lengths = longer;
        scores = new Float64Array(room);
        matched = new Uint8Array(room);
        touched = new Uint32Array(room);
      }
      lengths[slot] = stored;
      size += 1;
      totalLength += length;
    },
    remove(slot, texts) {
      const length = count(texts);
      const values = postings.values();
      for (let at = 0; at < hadCount; at += 1) {
        const term = had[at] as number;
        const start = postings.start(term);
        // Looking through the list of a word that 100,000 items have takes 0.1 ms; refused: marks on dead slots, which need rebuilding in the end.
        for (let place = 0; place < postings.length(term); place += 1) {
          if ((values[start + place] as number) >>> 8 !== slot) continue;
          postings.cut(term, place);
          break;
        }
      }
      release();
      size -= 1;
      totalLength -= length;
    },
    best(words, wanted, filter) {
      const perWord = totalLength === 0 ? 0 : (K1 * B * size) / totalLength;
      const asked = termsOf(words, perWord);
      const values = postings.values();
      let touchedCount = 0;
      // What the terms from here on can add to a slot at most.
      let rest = asked.reduce((sum, { most }) => sum + most, 0);
      let isClosed = false;
      for (const { term, weight, most } of asked) {
        const from = postings.start(term);
        const to = from + postings.length(term);
        if (!isClosed && to - from > touchedCount && touchedCount >= wanted) {
          // A slot that has none of the words so far can't get in any more, when all that is left is worth less than the last place: rare words decide
          // who is looked at, and of a word that half of all items have only the numbers of those are read.
          const least = leastOf(touchedCount, wanted, filter) * SAFETY;
          isClosed = rest < least;
          if (isClosed) touchedCount = keepAbove(touchedCount, least - rest);
        }
        rest -= most;
        const gain = weight * (K1 + 1);
        for (let at = from; at < to; at += 1) {
          const posting = values[at] as number;
          const slot = posting >>> 8;
          const before = matched[slot] as number;
          if (before === 0) {
            if (isClosed) continue;
            touched[touchedCount++] = slot;
          }
          const times = posting & 255;
          matched[slot] = before + 1;
          scores[slot] = (scores[slot] as number) + (gain * times) / (times + FLAT + perWord * (lengths[slot] as number));
        }
      }
      const top = createTopList(wanted);
      let least = top.least();
      for (let at = 0; at < touchedCount; at += 1) {
        const slot = touched[at] as number;
        const score = scores[slot] as number;
        if (score >= least && filter(slot)) {
          top.offer(slot, score);
          least = top.least();
        }
      }
      const ranked = top.sorted().map(({ slot, score }) => ({ slot, score, matched: matched[slot] as number }));
      for (let at = 0; at < touchedCount; at += 1) {
        const slot = touched[at] as number;
        matched[slot] = 0;
        scores[slot] = 0;
      }
      return ranked;
    },
    size: () => size,
    bytes: () => postings.bytes() + lengths.byteLength + scores.byteLength + matched.byteLength + touched.byteLength,
  };
}

function wider(array: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(array.length * 2);
  larger.set(array);
  return larger;
}

function widened(array: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(array.length * 2);
  larger.set(array);
  return larger;
}
