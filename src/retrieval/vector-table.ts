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
const SCAN_TO_EXACT = SCAN_STEPS / EXACT_STEPS;
/** Weighed exactly: with signed bytes alone one in a hundred of the best ten was another (synthetic vectors, 384 numbers), with 40 weighed none. */
const WEIGHED = 40;
/** And as many more for each that is wanted, where many are. */
const SPARE = 1.25;

export function createVectorTable(dimensions: number, scanner: DotScanner = createDotScanner()): VectorTable {
  const width = Math.ceil(dimensions / LANE) * LANE;
  const queryBytes = width * 6;
  const blockBytes = BLOCK * (width * 3 + 8);
  let blocks = 0;
  let size = 0;
  let highest = -1;

  // The query stands in front twice, in whole numbers and in floats; then, block by block, vectors to scan, their scales, results, and vectors to weigh.
  const exactQueryAt = width * 2;
  const vectorsAt = (block: number): number => queryBytes + block * blockBytes;
  const scalesAt = (block: number): number => vectorsAt(block) + BLOCK * width;
  const resultsAt = (block: number): number => scalesAt(block) + BLOCK * 4;
  const exactAt = (slot: number): number => resultsAt(Math.floor(slot / BLOCK)) + BLOCK * 4 + (slot % BLOCK) * width * 2;

  // Views are made anew when the memory grew, and not at each use.
  let floats = new Float32Array(0);

  function addBlock(): void {
    blocks += 1;
    scanner.grow(vectorsAt(blocks));
    floats = new Float32Array(scanner.buffer(), 0, Math.floor(scanner.buffer().byteLength / 4));
  }

  const placeOfScale = (slot: number): number => scalesAt(Math.floor(slot / BLOCK)) / 4 + (slot % BLOCK);
  const scaleAt = (slot: number): number => (slot < blocks * BLOCK ? (floats[placeOfScale(slot)] as number) : 0);

  function ask(query: Float32Array): void {
    floats.set(query.length > dimensions ? query.subarray(0, dimensions) : query, exactQueryAt / 4);
  }

  /** Of the query that was asked. */
  function weigh(slot: number): number {
    return scanner.weigh(exactQueryAt, exactAt(slot), width) * (scaleAt(slot) * SCAN_TO_EXACT);
  }

  function clear(slot: number): void {
    if (scaleAt(slot) === 0) return;
    floats[placeOfScale(slot)] = 0;
    size -= 1;
  }

  return {
    set(slot, vector) {
      const largest = largestOf(vector);
      clear(slot);
      if (!(largest > 0)) return;
      while (blocks * BLOCK <= slot) addBlock();
      const scanned = new Int8Array(scanner.buffer(), vectorsAt(Math.floor(slot / BLOCK)) + (slot % BLOCK) * width, width);
      const exact = new Int16Array(scanner.buffer(), exactAt(slot), width);
      for (let at = 0; at < dimensions; at += 1) {
        const share = (vector[at] as number) / largest;
        scanned[at] = Math.round(share * SCAN_STEPS);
        exact[at] = Math.round(share * EXACT_STEPS);
      }
      floats[placeOfScale(slot)] = largest / SCAN_STEPS;
      size += 1;
      highest = Math.max(highest, slot);
    },
    clear,
    cosine(query, slot) {
      if (scaleAt(slot) === 0) return undefined;
      ask(query);
      return weigh(slot);
    },
    best(query, count, filter) {
      const largest = largestOf(query);
      if (!(largest > 0) || size === 0 || count <= 0) return [];
      const asked = new Int16Array(scanner.buffer(), 0, width);
      const step = QUERY_STEPS / largest;
      for (let at = 0; at < dimensions; at += 1) asked[at] = Math.round((query[at] as number) * step);
      const rough = createTopList(Math.max(WEIGHED, Math.ceil(count * SPARE)));
      let least = rough.least();
      for (let block = 0; block * BLOCK <= highest; block += 1) {
        const rows = Math.min(BLOCK, highest + 1 - block * BLOCK);
        const results = resultsAt(block);
        scanner.scan(0, vectorsAt(block), scalesAt(block), results, rows, width);
        for (let row = scanner.above(results, 0, rows, least); row < rows; row = scanner.above(results, row + 1, rows, least)) {
          const slot = block * BLOCK + row;
          if (scaleAt(slot) === 0 || !filter(slot)) continue;
          rough.offer(slot, floats[results / 4 + row] as number);
          least = rough.least();
        }
      }
      ask(query);
      const top = createTopList(count);
      rough.forEach((slot) => {
        top.offer(slot, weigh(slot));
      });
      return top.sorted();
    },
    size: () => size,
    bytes: () => scanner.buffer().byteLength,
  };
}

/** NaN where any of them is none. */
function largestOf(vector: Float32Array): number {
  let largest = 0;
  for (let at = 0; at < vector.length; at += 1) {
    const size = Math.abs(vector[at] as number);
    if (size > largest) largest = size;
    else if (Number.isNaN(size)) return size;
  }
  return largest;
}
