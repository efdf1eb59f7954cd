import { createDotScanner, type DotScanner } from "./dot-scanner.ts";
import type { Ranked, SlotFilter } from "./ranked.ts";
import { createTopList } from "./top-list.ts";

/** Unit vectors of one model by slot. A vector takes three bytes a number: one to scan all, two to weigh the best exactly. */
export interface VectorTable {
  /** Puts a vector; it is copied. All zeros are no vector: such a slot is never found. */
  set(slot: number, vector: Float32Array): void;
  clear(slot: number): void;
  /** Of the slot's vector and another; undefined where there is none. */
  cosine(query: Float32Array, slot: number): number | undefined;
  /** The slots with the greatest cosine that pass the filter, best first. */
  best(query: Float32Array, count: number, filter: SlotFilter): readonly Ranked[];
  /** Slots that hold a vector. */
  size(): number;
  bytes(): number;
}

/** The scan reads 16 numbers at a time. */
const LANE = 16;
/** Slots a block holds; memory grows by one. */
const BLOCK = 4_096;
// 12 bits: 2,047 * 127 * 8,192 numbers still fit the 32-bit sum of the scan.
const QUERY_STEPS = 2_047;
const SCAN_STEPS = 127;
const EXACT_STEPS = 32_767;
/** Weighed exactly: with signed bytes alone one in a hundred of the best ten was another (synthetic vectors, 384 numbers), with 40 weighed none. */
const WEIGHED = 40;

export function createVectorTable(dimensions: number, scanner: DotScanner = createDotScanner()): VectorTable {
  const width = Math.ceil(dimensions / LANE) * LANE;
  const queryBytes = width * 2;
  const blockBytes = BLOCK * (width + 8);
  const exact: { readonly numbers: Int16Array; readonly scales: Float32Array }[] = [];
  let size = 0;
  let highest = -1;

  const vectorsAt = (block: number): number => queryBytes + block * blockBytes;
  const scalesAt = (block: number): number => vectorsAt(block) + BLOCK * width;
  const resultsAt = (block: number): number => scalesAt(block) + BLOCK * 4;
  const scaleAt = (slot: number): number => exact[Math.floor(slot / BLOCK)]?.scales[slot % BLOCK] ?? 0;

  function addBlock(): void {
    exact.push({ numbers: new Int16Array(BLOCK * dimensions), scales: new Float32Array(BLOCK) });
    scanner.grow(vectorsAt(exact.length));
  }

  function setScales(slot: number, scan: number, weigh: number): void {
    const block = Math.floor(slot / BLOCK);
    (exact[block] as (typeof exact)[number]).scales[slot % BLOCK] = weigh;
    new Float32Array(scanner.buffer(), scalesAt(block), BLOCK)[slot % BLOCK] = scan;
  }

  function cosine(query: Float32Array, slot: number): number {
    const { numbers } = exact[Math.floor(slot / BLOCK)] as (typeof exact)[number];
    const from = (slot % BLOCK) * dimensions;
    let sum = 0;
    for (let at = 0; at < dimensions; at += 1) sum += (query[at] as number) * (numbers[from + at] as number);
    return sum * scaleAt(slot);
  }

  function clear(slot: number): void {
    if (scaleAt(slot) === 0) return;
    setScales(slot, 0, 0);
    size -= 1;
  }

  return {
    set(slot, vector) {
      const largest = largestOf(vector);
      clear(slot);
      if (!(largest > 0)) return;
      while (exact.length * BLOCK <= slot) addBlock();
      const block = Math.floor(slot / BLOCK);
      const { numbers } = exact[block] as (typeof exact)[number];
      const scanned = new Int8Array(scanner.buffer(), vectorsAt(block) + (slot % BLOCK) * width, width);
      for (let at = 0; at < dimensions; at += 1) {
        const share = (vector[at] as number) / largest;
        scanned[at] = Math.round(share * SCAN_STEPS);
        numbers[(slot % BLOCK) * dimensions + at] = Math.round(share * EXACT_STEPS);
      }
      setScales(slot, largest / SCAN_STEPS, largest / EXACT_STEPS);
      size += 1;
      highest = Math.max(highest, slot);
    },
    clear,
    cosine: (query, slot) => (scaleAt(slot) === 0 ? undefined : cosine(query, slot)),
    best(query, count, filter) {
      const largest = largestOf(query);
      if (!(largest > 0) || size === 0) return [];
      const asked = new Int16Array(scanner.buffer(), 0, width);
      for (let at = 0; at < dimensions; at += 1) asked[at] = Math.round(((query[at] as number) / largest) * QUERY_STEPS);
      const rough = createTopList(Math.max(WEIGHED, count));
      for (let block = 0; block * BLOCK <= highest; block += 1) {
        const rows = Math.min(BLOCK, highest + 1 - block * BLOCK);
        scanner.scan(0, vectorsAt(block), scalesAt(block), resultsAt(block), rows, width);
        const results = new Float32Array(scanner.buffer(), resultsAt(block), rows);
        const scales = new Float32Array(scanner.buffer(), scalesAt(block), rows);
        let least = rough.least();
        for (let row = 0; row < rows; row += 1) {
          const score = results[row] as number;
          if (score <= least || scales[row] === 0) continue;
          const slot = block * BLOCK + row;
          if (!filter(slot)) continue;
          rough.offer(slot, score);
          least = rough.least();
        }
      }
      const top = createTopList(count);
      for (const { slot } of rough.sorted()) top.offer(slot, cosine(query, slot));
      return top.sorted();
    },
    size: () => size,
    bytes: () => scanner.buffer().byteLength + exact.length * BLOCK * (dimensions * 2 + 4),
  };
}

function largestOf(vector: Float32Array): number {
  let largest = 0;
  for (const value of vector) largest = Math.max(largest, Math.abs(value));
  return largest;
}
