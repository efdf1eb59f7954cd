import type { ReceiverReport } from "../src/store/ports.ts";
import type { OtlpEncoding, OtlpSignal } from "./request.ts";
import { GRPC } from "./status.ts";

/** One answered request. Every field has few values, so the counts stay small whoever sends what. */
export interface AnsweredCall {
  readonly transport: "http" | "grpc";
  /** `other`: a path that is none of ours. */
  readonly signal: OtlpSignal | "other";
  readonly encoding: OtlpEncoding | "other";
  /** HTTP status, 499 when the sender left first; over gRPC the grpc-status (1 when it left), or the HTTP status of what was no call. */
  readonly code: number;
}

export interface ItemCounts {
  /** Durable. A span sent twice counts twice. */
  readonly accepted: number;
  readonly rejected: {
    readonly badTraceId: number;
    readonly badSpanId: number;
    /** Sent back whole because the store would not have them then; most come again. */
    readonly notStored: number;
  };
}

/** What a receiver has seen since it started. Items in bodies that could not be read are in no count but that of their request. */
export interface ReceiverCounts {
  readonly requests: readonly (AnsweredCall & { readonly count: number })[];
  readonly spans: ItemCounts;
  readonly logRecords: ItemCounts;
  readonly bytes: {
    /** Of complete bodies as they came. */
    readonly received: number;
    /** Of the same after decompression. */
    readonly decoded: number;
  };
}

export interface ReceiverCounter {
  answered(call: AnsweredCall): void;
  body(receivedBytes: number, decodedBytes: number): void;
  items(signal: "traces" | "logs", items: ItemCounts): void;
  counts(): ReceiverCounts;
}

export function createReceiverCounter(): ReceiverCounter {
  const requests = new Map<string, AnsweredCall & { count: number }>();
  const items = { traces: noItems(), logs: noItems() };
  const bytes = { received: 0, decoded: 0 };
  return {
    answered({ transport, signal, encoding, code }) {
      const key = `${transport} ${signal} ${encoding} ${code}`;
      const known = requests.get(key);
      if (known === undefined) requests.set(key, { transport, signal, encoding, code, count: 1 });
      else known.count += 1;
    },
    body(receivedBytes, decodedBytes) {
      bytes.received += receivedBytes;
      bytes.decoded += decodedBytes;
    },
    items(signal, { accepted, rejected }) {
      const sum = items[signal];
      sum.accepted += accepted;
      sum.rejected.badTraceId += rejected.badTraceId;
      sum.rejected.badSpanId += rejected.badSpanId;
      sum.rejected.notStored += rejected.notStored;
    },
    counts: () => structuredClone({ requests: [...requests.values()], spans: items.traces, logRecords: items.logs, bytes }),
  };
}

/** The counts of all receivers in short, for those who ask the store. Senders that left before their answer were not refused. */
export function receiverReport({ requests, spans, logRecords }: ReceiverCounts): ReceiverReport {
  const refused: { [answer: string]: number } = {};
  for (const { transport, code, count } of requests) {
    const good = transport === "http" ? code < 400 || code === 499 : code === GRPC.ok || code === GRPC.cancelled;
    if (!good) refused[`${transport} ${code}`] = (refused[`${transport} ${code}`] ?? 0) + count;
  }
  const rejected = ({ rejected: { badTraceId, badSpanId, notStored } }: ItemCounts): number => badTraceId + badSpanId + notStored;
  return { accepted: spans.accepted + logRecords.accepted, rejected: rejected(spans) + rejected(logRecords), refused };
}

function noItems(): { accepted: number; rejected: { badTraceId: number; badSpanId: number; notStored: number } } {
  return { accepted: 0, rejected: { badTraceId: 0, badSpanId: 0, notStored: 0 } };
}
