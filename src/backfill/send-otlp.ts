import { setTimeout as sleep } from "node:timers/promises";
import { isLearnError, LearnError, messageOf } from "../base/error.ts";
import { objectOf, textOf } from "../span/otlp/json-value.ts";
import { BYTES, createWireReader, each, VARINT, type WireReader } from "../span/otlp/wire.ts";
import type { PlacedMessage } from "./backfill.ts";

export interface SenderOptions {
  /** Base url of an OTLP/HTTP receiver; `/v1/traces` and `/v1/logs` are added. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Told before each wait. */
  readonly onRetry?: (text: string) => void;
  /** Waits between tries, where the receiver does not say. Default 1, 2, 4 and 8 s: five tries in all. */
  readonly waitsMs?: readonly number[];
}

export interface Sender {
  /** One request after the other. Rejects with the place of the first message that was not taken; those before it were. */
  deliver(messages: readonly PlacedMessage[]): Promise<void>;
  /** Spans and log records that the receiver refused inside requests that it took. */
  refusedItems(): number;
}

const WAITS_MS = [1_000, 2_000, 4_000, 8_000];
// Who asks for more is down for longer than somebody watches; the message says how long.
const MAX_WAIT_MS = 60_000;
const TIMEOUT_MS = 30_000;
// What OTLP lets a client try again. 500 is not among them.
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);

export function createSender(options: SenderOptions): Sender {
  const base = options.url.replace(/\/+$/, "").replace(/\/v1\/(traces|logs)$/, "");
  const waitsMs = options.waitsMs ?? WAITS_MS;
  let refused = 0;

  const post = async (message: PlacedMessage): Promise<void> => {
    const url = `${base}/v1/${message.body.signal}`;
    for (let tries = 1; ; tries += 1) {
      const answer = await tryOnce(url, message, options);
      if (answer.kind === "taken") {
        refused += answer.refused;
        return;
      }
      const waitMs = answer.retryAfterMs ?? waitsMs[tries - 1] ?? 0;
      if (tries > waitsMs.length || waitMs > MAX_WAIT_MS) {
        const wish = waitMs > MAX_WAIT_MS ? `; it asks to wait ${Math.ceil(waitMs / 1000)} s` : "";
        throw new LearnError("unavailable", `${message.place}: ${url} did not take it in ${tries} tries: ${answer.reason}${wish}`, {
          hint: "check that the receiver runs, then send the file again; AgentLearn keeps a span once however often it comes",
        });
      }
      options.onRetry?.(`${message.place}: ${answer.reason}; trying again in ${Math.ceil(waitMs / 1000)} s`);
      await sleep(waitMs, undefined, { signal: options.signal }).catch(() => undefined);
      if (options.signal.aborted) throw new LearnError("cancelled", `sending stopped before ${message.place}`);
    }
  };

  return {
    async deliver(messages) {
      for (const message of messages) await post(message);
    },
    refusedItems: () => refused,
  };
}

type Answer =
  | { readonly kind: "taken"; readonly refused: number }
  | { readonly kind: "again"; readonly reason: string; readonly retryAfterMs: number | undefined };

async function tryOnce(url: string, message: PlacedMessage, { headers }: SenderOptions): Promise<Answer> {
  const { body, format } = message.body;
  const type = format === "otlp-json" ? "application/json" : "application/x-protobuf";
  try {
    const response = await fetch(url, {
      method: "POST",
      // Ours last: a content type that does not fit the body would spoil it.
      headers: { ...headers, "content-type": type },
      body: body as Uint8Array<ArrayBuffer>,
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const answer = new Uint8Array(await response.arrayBuffer());
    const isJson = (response.headers.get("content-type") ?? "").startsWith("application/json");
    if (response.ok) return { kind: "taken", refused: refusedIn(answer, isJson) };
    const reason = `${response.status} ${response.statusText} ${statusMessage(answer, isJson)}`.trim();
    if (RETRYABLE.has(response.status)) return { kind: "again", reason, retryAfterMs: retryAfterMs(response.headers.get("retry-after")) };
    throw new LearnError("invalid", `${message.place}: ${url} refused it: ${reason}`, { hint: hintFor(response.status) });
  } catch (caught) {
    if (isLearnError(caught)) throw caught;
    const cause = (caught as { readonly cause?: unknown }).cause;
    return { kind: "again", reason: messageOf(cause ?? caught), retryAfterMs: undefined };
  }
}

function hintFor(status: number): string {
  if (status === 401 || status === 403) return "add --header authorization='Bearer TOKEN'";
  if (status === 413) return "the receiver takes smaller requests than this; raise its limit";
  if (status === 400) return "the receiver says what is wrong with it; those before it were taken";
  return "check that --to is the base URL of an OTLP/HTTP receiver, for example http://127.0.0.1:4318";
}

/** Seconds or a date. */
function retryAfterMs(value: string | null): number | undefined {
  if (value === null) return undefined;
  if (/^\d+$/.test(value.trim())) return Number(value) * 1000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}

/** `partialSuccess.rejected…` of a 2xx answer. What can't be read says nothing. */
function refusedIn(answer: Uint8Array, isJson: boolean): number {
  if (isJson) {
    const partial = objectOf(objectOf(parsed(answer))["partialSuccess"]);
    return Number(partial["rejectedSpans"] ?? partial["rejectedLogRecords"] ?? 0) || 0;
  }
  let refused = 0;
  readFields(answer, (response, field) => {
    if (field !== 1 || response.wireType() !== BYTES) return response.skip();
    const partial = response.message();
    each(partial, (inner) => {
      if (inner === 1 && partial.wireType() === VARINT) refused = Number(partial.int64());
      else partial.skip();
    });
  });
  return refused;
}

/** The message of a google.rpc.Status. */
function statusMessage(answer: Uint8Array, isJson: boolean): string {
  if (isJson) return textOf(objectOf(parsed(answer))["message"]).slice(0, 500);
  let message = "";
  readFields(answer, (status, field) => {
    if (field === 2 && status.wireType() === BYTES) message = status.text();
    else status.skip();
  });
  return message.slice(0, 500);
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return undefined;
  }
}

/** Proxies answer with pages of their own under any status. */
function readFields(bytes: Uint8Array, read: (reader: WireReader, field: number) => void): void {
  try {
    const reader = createWireReader(Buffer.from(bytes));
    each(reader, (field) => read(reader, field));
  } catch (caught) {
    if (!isLearnError(caught)) throw caught;
  }
}
