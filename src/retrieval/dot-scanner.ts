import { DOT_MODULE } from "./dot-module.ts";

/** Compares one vector with many, all in one memory; see scripts/dot-module.mjs for the meaning of the last three. */
export interface DotScanner {
  readonly kind: "simd" | "plain";
  /** The memory; another buffer after every `grow`. */
  buffer(): ArrayBuffer;
  /** Makes the memory at least this large; what is in it stays. */
  grow(bytes: number): void;
  scan(query: number, vectors: number, scales: number, out: number, count: number, width: number): void;
  weigh(query: number, vector: number, width: number): number;
  above(values: number, from: number, count: number, least: number): number;
}

interface DotExports extends Pick<DotScanner, "scan" | "weigh" | "above"> {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
}

/** As much of the global as is used; its types are those of browsers. */
interface Engine {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
}

const PAGE_BYTES = 65_536;

/** With SIMD where the machine has it: at 100,000 vectors of 384 numbers 5 ms against 70 ms. `plain` is for machines without, and for the tests. */
export function createDotScanner(kind?: "plain"): DotScanner {
  if (kind === "plain") return createPlainScanner();
  try {
    const { Module, Instance } = (globalThis as unknown as { readonly WebAssembly: Engine }).WebAssembly;
    const { memory, scan, weigh, above } = new Instance(new Module(Buffer.from(DOT_MODULE, "base64"))).exports as DotExports;
    return {
      kind: "simd",
      buffer: () => memory.buffer,
      grow: (bytes) => {
        const pages = Math.ceil((bytes - memory.buffer.byteLength) / PAGE_BYTES);
        if (pages > 0) memory.grow(pages);
      },
      scan,
      weigh,
      above,
    };
  } catch {
    // No WebAssembly here (node --jitless), or none with SIMD.
    return createPlainScanner();
  }
}

function createPlainScanner(): DotScanner {
  let buffer = new ArrayBuffer(PAGE_BYTES);
  return {
    kind: "plain",
    buffer: () => buffer,
    grow: (bytes) => {
      if (bytes <= buffer.byteLength) return;
      const larger = new ArrayBuffer(bytes);
      new Uint8Array(larger).set(new Uint8Array(buffer));
      buffer = larger;
    },
    scan: (query, vectors, scales, out, count, width) => {
      const asked = new Int16Array(buffer, query, width);
      const stored = new Int8Array(buffer, vectors, count * width);
      const [scaleOf, result] = [new Float32Array(buffer, scales, count), new Float32Array(buffer, out, count)];
      for (let row = 0, at = 0; row < count; row += 1) {
        let sum = 0;
        for (let place = 0; place < width; place += 1, at += 1) sum += (asked[place] as number) * (stored[at] as number);
        result[row] = Math.fround(sum) * (scaleOf[row] as number);
      }
    },
    weigh: (query, vector, width) => {
      const asked = new Float32Array(buffer, query, width);
      const stored = new Int16Array(buffer, vector, width);
      let sum = 0;
      for (let place = 0; place < width; place += 1) sum += (asked[place] as number) * (stored[place] as number);
      return sum;
    },
    above: (values, from, count, least) => {
      const given = new Float32Array(buffer, values, count);
      let at = from;
      while (at < count && !((given[at] as number) > least)) at += 1;
      return at;
    },
  };
}
