import type { Transform } from "node:stream";
import zlib from "node:zlib";

/** One compressed format as node:zlib decompresses it. */
export interface ZlibFormat {
  /** On this thread, whole. Throws ERR_BUFFER_TOO_LARGE beyond `maxOutputLength`, and what node:zlib throws for other bytes. */
  readonly inflate: (piece: Uint8Array, options: { readonly maxOutputLength: number }) => Uint8Array;
  /** Off this thread, piece by piece. */
  readonly stream: (options: { readonly chunkSize: number }) => Transform;
}

// From Node 22.15 on, and unknown to the types of the oldest Node that is served.
const { zstdDecompressSync, createZstdDecompress } = zlib as unknown as {
  readonly zstdDecompressSync: ZlibFormat["inflate"];
  readonly createZstdDecompress: ZlibFormat["stream"];
};

/** Where not, fzstd does it: slower, and without checking checksums. */
export const hasNativeZstd: boolean = typeof zstdDecompressSync === "function";

/** `zstd` only where `hasNativeZstd`. */
export const ZLIB_FORMATS: Readonly<Record<"gzip" | "zlib" | "raw" | "br" | "zstd", ZlibFormat>> = {
  gzip: { inflate: zlib.gunzipSync, stream: zlib.createGunzip },
  zlib: { inflate: zlib.inflateSync, stream: zlib.createInflate },
  raw: { inflate: zlib.inflateRawSync, stream: zlib.createInflateRaw },
  br: { inflate: zlib.brotliDecompressSync, stream: zlib.createBrotliDecompress },
  zstd: { inflate: zstdDecompressSync, stream: createZstdDecompress },
};
