import type { RawBody, RetentionOptions } from "./ports.ts";
import type { Answer, StoreMethod } from "./rpc.ts";

/** What a writer thread is started with. Either `url` (a store) or `endpoint` (an OTLP/HTTP base url to send spans on to). */
export interface WriterOptions {
  readonly url?: string;
  readonly endpoint?: string;
  /** HTTP headers for `endpoint`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Who opens the store, for the message others get. */
  readonly name: string;
  /** own: be the one owner or fail. share: be the owner, or use the one there is. */
  readonly mode: "own" | "share";
  /** Milliseconds without a new span after which a trace whose root ended is complete; and after which one without a root is. */
  readonly quietMs?: number;
  readonly idleMs?: number;
  /** on-demand: an owner maps and assembles only when `drain` is called. Default continuous. */
  readonly ingest?: "continuous" | "on-demand";
  /** Ages applied by an owner with continuous ingest, at once and every hour. Without it nothing is deleted unasked. */
  readonly retention?: RetentionOptions;
  /** What an owner does with a damaged file: refuse it with a hint, or set it aside and begin a new one. Default refuse. */
  readonly ifDamaged?: "refuse" | "set-aside";
}

/** What a thread is started with, beside what it is to do. */
export interface WriterStart {
  readonly options: WriterOptions;
  /** See exit-gate.ts. */
  readonly gate: SharedArrayBuffer;
}

/** Every `id` is answered exactly once. */
export type ToWriter =
  | { readonly kind: "call"; readonly id: number; readonly method: StoreMethod; readonly args: readonly unknown[] }
  /** Counts towards the sender's bound until it is settled. */
  | { readonly kind: "submit"; readonly body: RawBody; readonly spans: number }
  | { readonly kind: "open" | "flush" | "close"; readonly id: number };

export type FromWriter =
  | { readonly kind: "answers"; readonly answers: readonly Answer[] }
  | { readonly kind: "settled"; readonly spans: number; readonly bytes: number; readonly failed: boolean }
  /** A fault nobody waits for, said once per text. */
  | { readonly kind: "report"; readonly message: string };
