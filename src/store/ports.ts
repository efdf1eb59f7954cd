import type { TimeUs } from "../base/clock.ts";
import type { EvalStore } from "../evaluation/ports.ts";
import type { KnowledgeFeed, KnowledgeSearch, TrialRations, VectorStore } from "../injection/ports.ts";
import type { ConflictStore, EffectStore, KnowledgeStore, SnapshotStore, TrialStore, UsageStore } from "../knowledge/ports.ts";
import type { LessonStore } from "../lesson/ports.ts";
import type { Feedback, Outcome } from "../outcome/outcome.ts";
import type { OutcomeStore } from "../outcome/ports.ts";
import type { RawBatch } from "../span/raw-span.ts";
import type { ScopeContent } from "../span/span.ts";
import type { TraceReader } from "../trace/ports.ts";
import type { Trace } from "../trace/trace.ts";

/** A request body as received, or a batch of SDK copies. Appended before anything is understood. */
export interface RawBody {
  /** `batch`: v8-serialised RawBatches from a processor in some process; see decode-body.ts. */
  readonly format: "otlp-protobuf" | "otlp-json" | "batch";
  readonly signal: "traces" | "logs";
  /** As on the wire, by its name in HTTP; `identity` when not compressed. */
  readonly encoding: "identity" | "gzip" | "deflate" | "br" | "zstd";
  readonly body: Uint8Array;
  readonly receivedAtUs: TimeUs;
  /** Distinct W3C trace ids inside, as 32 hex characters; empty when unknown. */
  readonly traceIds: readonly string[];
}

export interface StoredRawBody extends RawBody {
  readonly id: number;
}

/** A W3C trace of which spans arrived, assembled or not. */
export interface ArrivedTrace {
  readonly traceId: string;
  /** When its last span or log arrived. */
  readonly lastArrivalUs: TimeUs;
  readonly spanCount: number;
}

/** A W3C trace whose spans changed since it was last assembled. */
export interface PendingTrace extends ArrivedTrace {
  /** True when its runs are assembled and only feedback came since: there is nothing to wait for. */
  readonly feedbackOnly: boolean;
}

export interface StoredFeedback extends Feedback {
  readonly createdAtUs: TimeUs;
}

/** All that is stored of one W3C trace to assemble it from. */
export interface TraceMaterial {
  readonly traceId: string;
  readonly batch: RawBatch;
  readonly feedback: readonly StoredFeedback[];
}

/** What assembling one W3C trace gave, for `saveManyAssembled`. */
export interface AssembledTrace {
  readonly traceId: string;
  readonly traces: readonly Trace[];
  readonly outcomes: readonly Outcome[];
  readonly seenArrivalUs: TimeUs;
}

/** The ingest side: append first, map later. Everything is idempotent by (trace id, span id). */
export interface IngestStore {
  /** One group commit, durable on return (synced), and seen by every later call. Rejects "unavailable" when the disk or lock will not have it now. */
  appendBodies(bodies: readonly RawBody[]): Promise<void>;
  /** Bodies that were not mapped yet, oldest first: up to `limit`, and fewer where they are large, but one at least when there is one. */
  unmappedBodies(limit: number): Promise<readonly StoredRawBody[]>;
  /** Upserts spans and logs, marks their traces pending and the bodies mapped, in one transaction. A span seen twice is merged: later end wins, attributes are united. */
  saveMapped(bodyIds: readonly number[], batch: RawBatch, nowUs: TimeUs): Promise<void>;
  /** Marks a body that can never be mapped, keeping it with the reason. */
  markUnmappable(bodyId: number, reason: string): Promise<void>;
  pendingTraces(limit: number): Promise<readonly PendingTrace[]>;
  /** In the order asked; empty lists for a trace that is not known. Spans by their ids, feedback oldest first. */
  materialOf(traceIds: readonly string[]): Promise<readonly TraceMaterial[]>;
  /** Traces that have spans, the one that was first heard of last in front. */
  recentTraces(limit: number): Promise<readonly ArrivedTrace[]>;
  /** `materialOf` of one. */
  spansOf(traceId: string): Promise<RawBatch>;
  /**
   * Replaces all runs of each W3C trace with these, with steps, exposures and outcomes, and clears its pending mark unless spans came since
   * `seenArrivalUs`. Leaves a trace as it is that another client assembled since from more than was seen here. One transaction for all: with
   * synchronous=FULL a commit costs more than a run.
   */
  saveManyAssembled(assembled: readonly AssembledTrace[]): Promise<void>;
}

/**
 * Who of several clients of one store does what one should do. It saves work and protects nothing: a holder that was stopped for longer than its term
 * goes on beside the next one, so what is done under a lease must be right when two do it.
 */
export interface LeaseStore {
  /** Takes it, or renews it, for that long from now by the clock of the store. False while another holds it. */
  takeLease(name: string, holder: string, forMs: number): Promise<boolean>;
  /** At once. Nothing happens when another holds it. */
  releaseLease(name: string, holder: string): Promise<void>;
  /** Who holds it now, by the name it gave itself. */
  leaseHolder(name: string): Promise<string | undefined>;
}

export interface LearnCycle {
  readonly id: string;
  readonly startedAtUs: TimeUs;
  readonly endedAtUs?: TimeUs;
  readonly report: unknown;
}

/** Limits on what learning may cost. A day is one of UTC; what is not given is not limited. */
export interface SpendLimits {
  readonly usdPerDay?: number;
  readonly usdPerCycle?: number;
  /** Input and output together. */
  readonly tokensPerDay?: number;
  readonly tokensPerCycle?: number;
  readonly callsPerDay?: number;
  readonly callsPerCycle?: number;
}

/** What a call costs, or can cost at most. */
export interface CallCost {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Absent: the price of the model is not known. Never 0 for that. */
  readonly usd?: number;
}

/** A call that is about to be made. */
export interface PlannedCall {
  readonly id: string;
  readonly cycleId: string;
  /** What it is for, in one word. */
  readonly step: string;
  readonly model: string;
  /** The most it can cost. */
  readonly most: CallCost;
}

/** Why a call may not be made: with it, this limit could be passed. */
export interface LimitReached {
  readonly limit: keyof SpendLimits;
  readonly allowed: number;
  /** Spent or reserved before this call, in the unit of the limit. */
  readonly spent: number;
}

/** Something that was paid for and answered. */
export interface JournalEntry {
  /** A digest of the question. */
  readonly key: string;
  readonly cycleId: string;
  readonly step: string;
  /** As JSON. */
  readonly answer: unknown;
}

export interface Spending {
  readonly calls: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Of the calls whose price is known. */
  readonly usd: number;
  /** Calls whose price is not known. */
  readonly unpriced: number;
  /** Calls booked at the most they can have cost, because nobody said what they did cost. */
  readonly estimated: number;
}

/** What learning spends, and the answers it paid for. Everything is durable on return. */
export interface SpendStore {
  /** Books the most the call can cost, in one transaction with the look at the limits; or says which of them forbids it, and books nothing. */
  reserveCall(call: PlannedCall, limits: SpendLimits): Promise<LimitReached | undefined>;
  /** Puts what the call did cost in place of what was reserved, and keeps its answer, in one transaction. Of two answers to one key the first stays. */
  settleCall(id: string, cost: CallCost & { readonly estimated: boolean }, entry?: JournalEntry): Promise<void>;
  /** Keeps an answer that no model gave: a run of the agent. */
  saveAnswer(entry: JournalEntry): Promise<void>;
  answerOf(key: string): Promise<{ readonly answer: unknown } | undefined>;
  /** Of one cycle, or of the day (UTC) of the clock. */
  spending(of: { readonly cycleId: string } | "today"): Promise<Spending>;
  /** Forgets all answers, or with `olderThanUs` those from before then, and calls of more than a year ago. */
  forgetAnswers(olderThanUs?: TimeUs): Promise<void>;
  /** The newest cycle that began and did not end. */
  unfinishedCycle(): Promise<LearnCycle | undefined>;
}

/** What is missing in the traces that came lately. Counts of spans are of stored ones: a span sent twice counts once. */
export interface TraceDiagnostics {
  /** W3C traces that were looked at: the newest 200, fewer when they hold more than 20,000 spans together. */
  readonly traces: number;
  /** In those traces. All counts below are of them too, unless they say otherwise. */
  readonly spans: number;
  /** Every emitter scope that made LLM calls, by language and service; those without content first. */
  readonly scopes: readonly ScopeContent[];
  /**
   * Spans and log records that processors in agents dropped at the bound of their queue or could not deliver. Each process tells with its next
   * span that gets through, so what was dropped after the last one is not in here.
   */
  readonly dropped: number;
  /** Spans whose content the emitter cut: JSON that stops in the middle, or attributes, events and links left out at a limit of its SDK. */
  readonly truncated: number;
  readonly inferred: {
    /** Tool steps that no span said, read out of the messages of LLM calls. */
    readonly steps: number;
    /** Errors read out of the result of a tool whose span reported none. */
    readonly errors: number;
    /** Tool spans whose arguments or result stand only in messages, or on another span of the same call. */
    readonly backfilled: number;
  };
}

/** What a receiver answered since it started. */
export interface ReceiverReport {
  /** Spans and log records that are durable; sent twice counts twice. */
  readonly accepted: number;
  /** Spans and log records refused one by one for their ids, or sent back whole because the store would not have them then. */
  readonly rejected: number;
  /** Requests that were refused, by what they were answered, like "http 401" or "grpc 16". */
  readonly refused: { readonly [answer: string]: number };
}

export interface Diagnostics extends TraceDiagnostics {
  /** Of the receiver that runs beside the owner of this store; absent where none does. At most a second old. */
  readonly receiver?: ReceiverReport;
}

export interface StoreStatus {
  readonly schemaVersion: number;
  readonly traces: {
    readonly total: number;
    readonly success: number;
    readonly failure: number;
    readonly partial: number;
    readonly unjudged: number;
  };
  readonly knowledge: { readonly [status: string]: number };
  readonly evalCases: number;
  readonly unmappedBodies: number;
  /** Requests that were accepted and can never be read; kept with the reason until raw retention takes them. */
  readonly unmappableBodies: number;
  readonly pendingTraces: number;
  readonly unanalyzed: number;
  readonly lastTraceAtUs?: TimeUs;
  readonly lastCycle?: LearnCycle;
}

/** How long what is kept. In days since arrival, fractions allowed; 0 keeps for ever. */
export interface RetentionOptions {
  /** Request bodies that were mapped, or that can never be. A body that waits to be mapped stays whatever its age. */
  readonly rawRetentionDays: number;
  /** Runs with their steps, spans, logs and outcomes. A run that an item of knowledge names as its source stays, and so does feedback. */
  readonly traceRetentionDays: number;
}

/** The ages that were applied, and what went. */
export interface RetentionReport extends RetentionOptions {
  readonly bodies: number;
  /** W3C traces. */
  readonly traces: number;
}

export interface CompactReport extends RetentionReport {
  /** Of the file and its write-ahead log. */
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

export interface AdminStore {
  status(): Promise<StoreStatus>;
  /** Reads what arrived lately again; what did not change since the last call is remembered by the owner. */
  diagnostics(): Promise<Diagnostics>;
  /** Told by the receiver beside the owner, for `diagnostics`. Not stored. */
  noteReceiver(report: ReceiverReport): Promise<void>;
  saveCycle(cycle: LearnCycle): Promise<void>;
  /**
   * Takes in spooled batches, maps every appended body, and assembles what is complete by the quiet and idle rules; by default incomplete
   * traces too, with reason "flush". `force: false` leaves those waiting. Resolves when done. Works beside whoever holds the lease on that.
   */
  drain(options?: { readonly force?: boolean }): Promise<{ readonly mapped: number; readonly assembled: number }>;
  /**
   * Deletes what is older than asked, and keeps the counts of `KnowledgeItem.counts`. An owner with ages of its own keeps what either says to keep.
   * Works in small steps: appends go on meanwhile. Rejects "invalid" for an age that is none.
   */
  retain(options: RetentionOptions): Promise<RetentionReport>;
  /**
   * `retain`, then the search indexes optimised, the log written back and the file rewritten without holes. Everything else of the store waits for the
   * rewriting (about 8 s a GB), which needs as much free disk as the store is large. Rejects "invalid" for a server.
   */
  compact(options: RetentionOptions): Promise<CompactReport>;
  /** Writes a whole copy to a new file (absolute path), checks and syncs it. Rejects "conflict" when something is there, "invalid" for a server. */
  backup(file: string): Promise<{ readonly bytes: number }>;
  /** PRAGMA quick_check, every table and index, foreign keys, the search indexes and the mark of our files; problems in words, empty when sound. */
  check(): Promise<readonly string[]>;
}

/** What SQL alone cannot answer: the owner of the store adds it. */
export type OfTheOwner = "drain" | "diagnostics" | "noteReceiver";

/** Everything that is stored, as one object. Arguments and results survive structured clone and JSON apart from bodies. */
export interface Store
  extends IngestStore,
    LeaseStore,
    TraceReader,
    OutcomeStore,
    LessonStore,
    KnowledgeStore,
    SnapshotStore,
    ConflictStore,
    UsageStore,
    KnowledgeSearch,
    EffectStore,
    KnowledgeFeed,
    TrialRations,
    TrialStore,
    VectorStore,
    EvalStore,
    SpendStore,
    AdminStore {
  /** Safe twice. */
  close(): Promise<void>;
}
