import type { Clock } from "../src/base/clock.ts";
import { fromUnknown, LearnError } from "../src/base/error.ts";
import type { BodyEncoding } from "../src/span/otlp/inflate.ts";
import type { RawBody } from "../src/store/ports.ts";
import type { BufferAccount } from "./buffer-budget.ts";
import { type AnsweredCall, createReceiverCounter, type ReceiverCounts } from "./counts.ts";
import type { Limits } from "./limits.ts";
import { createIdReader, type IdReader } from "./otlp/id-reader.ts";
import { createInflater } from "./otlp/inflate.ts";

export type OtlpSignal = "traces" | "logs" | "metrics";
export type OtlpContentType = "application/x-protobuf" | "application/json";
export type OtlpEncoding = BodyEncoding;

/** One export call, whatever transport brought it. */
export interface OtlpRequest {
  readonly signal: OtlpSignal;
  readonly contentType: OtlpContentType;
  readonly encoding: OtlpEncoding;
  /** As on the wire. Must own its whole ArrayBuffer: it is given away to the store, which may transfer it to another thread. */
  readonly body: Uint8Array;
  /** Closed once the body is let go, which is after the answer when the store is slower than the deadline. */
  readonly account?: BufferAccount;
  /** Has seen the body while it came; see `OtlpHandler.watch`. Absent: the body is read now. */
  readonly reader?: IdReader;
}

/** The answer, before a transport gives it a form. */
export type OtlpResponse =
  /** Durable. `rejected` counts spans or log records that can never be used; `message` says why and is "" when there are none. */
  | { readonly kind: "accepted"; readonly rejected: number; readonly message: string }
  | { readonly kind: "refused"; readonly error: LearnError };

export interface OtlpHandler {
  /** Never rejects: every fault is a refusal. Resolves only once the body is durable. */
  (request: OtlpRequest): Promise<OtlpResponse>;
  /** Reads a body while it comes, so that a bad one is not kept until its end. Undefined for what can't be read before it is whole. */
  watch(head: Pick<OtlpRequest, "signal" | "contentType" | "encoding">): IdReader | undefined;
  /** For transports: every request is told once, also one that never came this far. */
  answered(call: AnsweredCall): void;
  counts(): ReceiverCounts;
}

export interface OtlpHandlerOptions {
  /** Durable on return. Owns the bodies from the call on. */
  readonly append: (bodies: readonly RawBody[]) => Promise<void>;
  readonly clock: Clock;
  readonly limits: Limits;
}

const FULL_SUCCESS: OtlpResponse = { kind: "accepted", rejected: 0, message: "" };

/**
 * Validates by reading ids only, appends the body as it came and answers after that. Nothing is decoded twice and nothing is recompressed:
 * what came compressed stays as it is. Bad spans stay in the body, because a body is evidence; whoever maps it skips them by the same rule.
 */
export function createOtlpHandler({ append, clock, limits }: OtlpHandlerOptions): OtlpHandler {
  const inflate = createInflater(limits);
  const counter = createReceiverCounter();

  const readerOf = (signal: "traces" | "logs", contentType: OtlpContentType): IdReader =>
    createIdReader({ signal, contentType, maxItems: limits.maxItems, maxBytes: limits.maxDecodedBytes });

  async function readWhole(body: Uint8Array, encoding: OtlpEncoding, reader: IdReader): Promise<void> {
    if (encoding === "identity") reader.feed(body);
    else await inflate(body, encoding, reader.feed);
  }

  async function handle({ signal, contentType, encoding, body, account, reader: watching }: OtlpRequest): Promise<OtlpResponse> {
    let appending: Promise<void> | undefined;
    // The store takes the body away, so its size is read before.
    const receivedBytes = body.byteLength;
    try {
      // Metrics carry nothing to learn from. They are taken so that one exporter setting for all signals works.
      if (signal === "metrics") {
        counter.body(receivedBytes, 0);
        return FULL_SUCCESS;
      }
      const reader = watching ?? readerOf(signal, contentType);
      if (watching === undefined) await readWhole(body, encoding, reader);
      counter.body(watching === undefined ? receivedBytes : reader.bytes(), reader.bytes());
      const ids = reader.end();
      if (ids.items === 0) return FULL_SUCCESS;
      const good = ids.items - ids.rejected;
      const bad = { badTraceId: ids.badTraceIds, badSpanId: ids.rejected - ids.badTraceIds };
      const message = ids.rejected === 0 ? "" : rejection(signal, ids.rejected, ids.items);
      if (good === 0) {
        counter.items(signal, { accepted: 0, rejected: { ...bad, notStored: 0 } });
        throw new LearnError("invalid", message, { hint: `check that these are ${signal}, and not another signal` });
      }
      const format = contentType === "application/json" ? "otlp-json" : "otlp-protobuf";
      const raw: RawBody = { format, signal, encoding, body, receivedAtUs: clock.nowUs(), traceIds: ids.traceIds };
      try {
        appending = append([raw]).catch(notTheSendersFault);
        await withDeadline(appending, limits.appendTimeoutMs);
      } catch (caught) {
        counter.items(signal, { accepted: 0, rejected: { badTraceId: 0, badSpanId: 0, notStored: ids.items } });
        throw caught;
      }
      counter.items(signal, { accepted: good, rejected: { ...bad, notStored: 0 } });
      return { kind: "accepted", rejected: ids.rejected, message };
    } catch (caught) {
      return { kind: "refused", error: fromUnknown(caught, `${signal} could not be stored`, "unavailable") };
    } finally {
      const letGo = (): void => account?.close();
      // A store that hangs still holds the body when its sender was told to come back; without this each round of senders would pile up on the last.
      if (appending === undefined) letGo();
      else appending.then(letGo, letGo);
    }
  }

  const watch: OtlpHandler["watch"] = ({ signal, contentType, encoding }) =>
    signal === "metrics" || encoding !== "identity" ? undefined : readerOf(signal, contentType);

  return Object.assign(handle, { watch, answered: counter.answered, counts: counter.counts });
}

function rejection(signal: "traces" | "logs", rejected: number, items: number): string {
  const rule =
    signal === "traces" ? "needs a trace id of 16 bytes and a span id of 8 bytes, not all zero" : "with ids needs 16 and 8 bytes";
  return `${rejected} of ${items} ${signal === "traces" ? "spans" : "log records"} rejected: each ${rule}`;
}

/** The store may be stuck for longer than any client waits; a late commit does no harm, because ingest is idempotent. */
async function withDeadline(work: Promise<void>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    const late = (): LearnError =>
      new LearnError("timeout", `the store did not commit within ${timeoutMs} ms`, { hint: "send the batch again" });
    timer = setTimeout(() => reject(late()), timeoutMs);
  });
  try {
    await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

/** The body was found good before: whatever the store says of it now is the store's trouble. "invalid" (a damaged file) as 400 would make exporters drop the batch. */
function notTheSendersFault(caught: unknown): never {
  const error = fromUnknown(caught, "the store did not take it", "unavailable");
  if (error.retryable) throw error;
  throw new LearnError("unavailable", error.message, { cause: error, ...(error.hint === undefined ? {} : { hint: error.hint }) });
}
