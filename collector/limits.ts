/** Every bound of the receivers and of the API, in one place. What happens at a bound is written at it. */
export interface Limits {
  /** Bytes of one body as it comes over the wire. Above: "too-large". */
  readonly maxBodyBytes: number;
  /** Bytes of one body after decompression. Above: "too-large", and inflating stops there. */
  readonly maxDecodedBytes: number;
  /** Groups, spans, log records, events, links, attributes and list elements in one body. Above: "too-large". */
  readonly maxItems: number;
  /**
   * Bytes of all bodies that the receivers of one process hold, as they came, until they are durable. Above: "unavailable", so
   * that the client comes back; a single body larger than this is taken when nothing else is held.
   */
  readonly maxBufferedBytes: number;
  /** Bodies inflated at a time; others wait. */
  readonly maxConcurrentInflates: number;
  /** For one body that JavaScript has to inflate (zstd on Node before 22.15). Above: "too-large". */
  readonly inflateTimeoutMs: number;
  /** Open connections of one receiver. Above: the connection is closed at once, which clients retry. */
  readonly maxConnections: number;
  /** Open HTTP/2 streams of one gRPC connection. Above: the stream is refused, which clients retry. */
  readonly maxStreamsPerConnection: number;
  /** From connect, or from the first byte of a request, to the end of its headers. Above: the connection is closed. */
  readonly headersTimeoutMs: number;
  /** From the first byte of a request to the end of its body. Above: "unavailable" and the connection is closed. */
  readonly requestTimeoutMs: number;
  /** Silence between two requests on one HTTP connection. Above: the connection is closed. */
  readonly idleTimeoutMs: number;
  /** Silence on one gRPC connection. Above: the connection is closed with GOAWAY. */
  readonly grpcIdleTimeoutMs: number;
  /** Wait for the store. Above: "timeout", though the body may still be committed; ingest is idempotent. */
  readonly appendTimeoutMs: number;
  /** What close() gives to requests in flight. Above: their connections are cut. */
  readonly closeTimeoutMs: number;
}

const MIB = 1024 * 1024;

export const defaultLimits: Limits = {
  // OTLP 1.11 recommends 64 MiB, after decompression; exporters set no batch limit of their own, so big bodies do come.
  maxBodyBytes: 64 * MIB,
  maxDecodedBytes: 64 * MIB,
  // A 20 MiB body of 2-byte attributes costs a full decoder 519 MiB and 2 s. A real body of 64 MiB holds about 700,000 items.
  maxItems: 1_000_000,
  // The goal is 256 MiB for the process under ten times its load. It takes 90 MiB before the first request, and while bodies of 1.4 MB come as fast as
  // they can, buffers that wait for the collector of garbage took up to 94 MiB more; with a bound of 128 MiB in each receiver it came to 461 MiB.
  maxBufferedBytes: 24 * MIB,
  // zlib interleaves all bodies it is given, so without this 1,000 small bombs would hold 1,000 x 64 MiB at once.
  maxConcurrentInflates: 2,
  inflateTimeoutMs: 5_000,
  maxConnections: 1024,
  maxStreamsPerConnection: 100,
  headersTimeoutMs: 5_000,
  // Slow senders are gone within 15 s. Exporters themselves give up after 10 s, so an honest one is never cut.
  requestTimeoutMs: 12_000,
  // Longer than the 5 s and 60 s at which exporters send: with node's own 5 s a kept connection is closed just as the next batch starts.
  idleTimeoutMs: 65_000,
  grpcIdleTimeoutMs: 600_000,
  // Below the 10 s at which exporters give up, so that they hear "try again" while they still listen.
  appendTimeoutMs: 8_000,
  closeTimeoutMs: 5_000,
};

/** The bounds under which requests of `maxBodyBytes` come in, before and after decompression. */
export function limitsFor({ maxBodyBytes }: { readonly maxBodyBytes: number }): Limits {
  return {
    ...defaultLimits,
    maxBodyBytes,
    maxDecodedBytes: maxBodyBytes,
  };
}
