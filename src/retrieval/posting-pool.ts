/** Lists of 32-bit numbers, one per term, in one typed array. Appending is amortised constant; a list is contiguous. */
export interface PostingPool {
  /** Makes the next list; lists are numbered from 0. */
  open(): number;
  append(list: number, value: number): void;
  /** Takes out the value at a place of the list; the last one takes its place. */
  cut(list: number, place: number): void;
  /** Where the list stands in `values` until the next append. */
  start(list: number): number;
  length(list: number): number;
  values(): Uint32Array;
  bytes(): number;
}

const SMALLEST_CLASS = 1;

/** Lists grow by doubling inside the pool; the room a list leaves is given to the next list of that size. */
export function createPostingPool(): PostingPool {
  let pool = new Uint32Array(1 << 14);
  let used = 0;
  let lists = 0;
  let starts = new Uint32Array(1 << 10);
  let lengths = new Uint32Array(1 << 10);
  /** Power of two of each list's room. */
  let classes = new Uint8Array(1 << 10);
  const free: number[][] = [];

  function room(sizeClass: number): number {
    const left = free[sizeClass]?.pop();
    if (left !== undefined) return left;
    const at = used;
    used += 1 << sizeClass;
    if (used > pool.length) pool = grown(pool, Math.max(used, pool.length + (pool.length >> 1)));
    return at;
  }

  function move(list: number): void {
    const sizeClass = classes[list] as number;
    const from = starts[list] as number;
    const to = room(sizeClass + 1);
    pool.copyWithin(to, from, from + (lengths[list] as number));
    free[sizeClass] ??= [];
    free[sizeClass].push(from);
    starts[list] = to;
    classes[list] = sizeClass + 1;
  }

  return {
    open() {
      if (lists === starts.length) {
        starts = grown(starts, lists * 2);
        lengths = grown(lengths, lists * 2);
        const wider = new Uint8Array(lists * 2);
        wider.set(classes);
        classes = wider;
      }
      starts[lists] = room(SMALLEST_CLASS);
      classes[lists] = SMALLEST_CLASS;
      lists += 1;
      return lists - 1;
    },
    append(list, value) {
      const length = lengths[list] as number;
      if (length === 1 << (classes[list] as number)) move(list);
      pool[(starts[list] as number) + length] = value;
      lengths[list] = length + 1;
    },
    cut(list, place) {
      const start = starts[list] as number;
      const last = (lengths[list] as number) - 1;
      pool[start + place] = pool[start + last] as number;
      lengths[list] = last;
    },
    start: (list) => starts[list] as number,
    length: (list) => lengths[list] as number,
    values: () => pool,
    bytes: () => pool.byteLength + starts.byteLength + lengths.byteLength + classes.byteLength,
  };
}

function grown(array: Uint32Array<ArrayBuffer>, length: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(length);
  larger.set(array);
  return larger;
}
