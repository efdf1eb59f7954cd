import type { Clock, TimeUs } from "../base/clock.ts";
import { isLearnError, messageOf } from "../base/error.ts";
import { deterministicSignal } from "../outcome/deterministic-signal.ts";
import { evaluationSignal } from "../outcome/evaluation-signal.ts";
import { outcomeFromFeedback } from "../outcome/feedback.ts";
import { judge } from "../outcome/judge.ts";
import type { Outcome } from "../outcome/outcome.ts";
import { isGenAiLog } from "../span/genai-keys.ts";
import { normalise } from "../span/normalise.ts";
import { decodeBody, MAX_STORED_ITEMS } from "../span/otlp/decode-body.ts";
import type { RawBatch, RawLog, RawSpan } from "../span/raw-span.ts";
import type { Span } from "../span/span.ts";
import type { AssembledTrace, IngestStore, PendingTrace } from "../store/ports.ts";
import { assemble, hasEndedRoot, readiness } from "../trace/assemble.ts";
import type { Trace } from "../trace/trace.ts";

export interface IngestOptions {
  readonly store: IngestStore;
  readonly clock: Clock;
  /** A trace with an ended root is complete after this much silence. Default 10 s: twice the batch delay of a JS SDK, whose logs and spans flush apart. */
  readonly quietMs?: number;
  /** A trace without a root is complete after this much silence. Default 60 s. */
  readonly idleMs?: number;
  /** Above this a trace is assembled as it is. Default 10,000 spans. */
  readonly maxSpans?: number;
}

export interface IngestCounts {
  readonly mapped: number;
  readonly assembled: number;
}

/** The work behind the acknowledgement: appended bodies become spans, and silent traces become judged runs. */
export interface Ingest {
  /** One bounded round. `busy` is true when more is waiting. Rejects only when the store does. */
  step(): Promise<IngestCounts & { readonly busy: boolean }>;
  /** Everything that was appended before the call, at once. With `force`, incomplete traces are assembled too, with reason "flush"; without, they go on waiting. */
  drain(force: boolean): Promise<IngestCounts>;
}

interface DecodedBody {
  readonly id: number;
  readonly batch: RawBatch;
}

const BODIES_PER_STEP = 32;
// Small bodies share a commit; big ones do not, because appends wait for it: 512 spans of 2.2 kB take 35 to 42 ms to map, 32 such bodies in
// one commit took 1.1 to 1.4 s.
const SPANS_PER_COMMIT = 512;
const TRACES_PER_STEP = 64;
// A commit of its own for every trace made a drain of 2,400 take 37 s on a busy disk; with 16 runs of 8 spans the longest turn was 34 to 54 ms.
const TRACES_PER_COMMIT = 16;
// Rows, not spans: enough that traces waiting for a root (60 s) do not hide those that are ready.
const PENDING_SCAN = 4_096;
const SIGNALS = [deterministicSignal(), evaluationSignal()];

export function createIngest(options: IngestOptions): Ingest {
  const { store, clock } = options;
  const limits = { quietMs: options.quietMs ?? 10_000, idleMs: options.idleMs ?? 60_000, maxSpans: options.maxSpans ?? 10_000 };
  // Traces seen without a root, by the arrival they were seen at: not read again until something new arrives or idleMs passes.
  const rootless = new Map<string, TimeUs>();

  async function mapBodies(): Promise<number> {
    const bodies = await store.unmappedBodies(BODIES_PER_STEP);
    let readable: DecodedBody[] = [];
    let items = 0;
    for (const body of bodies) {
      try {
        const { spans, logs: all } = decodeBody(body, { maxItems: MAX_STORED_ITEMS }).batch;
        // Any log record may carry a trace id; those of the application itself teach nothing and are not ours to keep.
        const logs = all.filter(isGenAiLog);
        readable.push({ id: body.id, batch: { spans, logs } });
        items += spans.length + logs.length;
      } catch (caught) {
        await store.markUnmappable(body.id, messageOf(caught));
      }
      if (items < SPANS_PER_COMMIT) continue;
      await saveTogether(readable);
      await breathe();
      [readable, items] = [[], 0];
    }
    await saveTogether(readable);
    return bodies.length;
  }

  /** One commit for several bodies: with synchronous=FULL a commit costs more than the rows of a small body. */
  async function saveTogether(readable: readonly DecodedBody[]): Promise<void> {
    if (readable.length === 0) return;
    const together = { spans: readable.flatMap(({ batch }) => batch.spans), logs: readable.flatMap(({ batch }) => batch.logs) };
    try {
      await store.saveMapped(
        readable.map(({ id }) => id),
        together,
        clock.nowUs(),
      );
    } catch (caught) {
      if (isLearnError(caught) && caught.retryable) throw caught;
      await mapOneByOne(readable);
    }
  }

  /** So that one body the store can't take does not hold back the others of its round for ever. */
  async function mapOneByOne(bodies: readonly DecodedBody[]): Promise<void> {
    for (const { id, batch } of bodies) {
      try {
        await store.saveMapped([id], batch, clock.nowUs());
      } catch (caught) {
        if (isLearnError(caught) && caught.retryable) throw caught;
        await store.markUnmappable(id, messageOf(caught));
      }
    }
  }

  /** Undefined when the trace has to wait. */
  async function assembleOne(pending: PendingTrace, forced: boolean): Promise<AssembledTrace | undefined> {
    const nowUs = clock.nowUs();
    // A run that was complete before the feedback came is complete now.
    const silentMs = pending.feedbackOnly ? limits.idleMs : (nowUs - pending.lastArrivalUs) / 1000;
    const full = pending.spanCount >= limits.maxSpans;
    if (!forced && !full && silentMs < limits.quietMs) return undefined;
    if (!forced && !full && rootless.get(pending.traceId) === pending.lastArrivalUs && silentMs < limits.idleMs) return undefined;
    const spans = spansOfBatch(await store.spansOf(pending.traceId));
    const reason = readiness({
      hasRoot: hasEndedRoot(spans),
      spanCount: spans.length,
      lastArrivalUs: pending.lastArrivalUs,
      nowUs: pending.lastArrivalUs + silentMs * 1000,
      ...limits,
    });
    if (reason === undefined && !forced) {
      rootless.set(pending.traceId, pending.lastArrivalUs);
      return undefined;
    }
    rootless.delete(pending.traceId);
    const traces = assemble(spans, reason ?? "flush");
    const outcomes: Outcome[] = [];
    for (const trace of traces) outcomes.push(...(await judge(trace, SIGNALS, nowUs)), ...(await fedBack(trace)));
    return { traceId: pending.traceId, traces, outcomes, seenArrivalUs: pending.lastArrivalUs };
  }

  async function fedBack(trace: Trace): Promise<readonly Outcome[]> {
    const feedback = await store.feedbackOf(trace.traceId);
    return feedback
      .filter((entry) => entry.traceId === trace.traceId || entry.traceId === trace.id)
      .flatMap((entry) => {
        try {
          return [outcomeFromFeedback(trace.id, entry, entry.createdAtUs)];
        } catch {
          // The store refuses such feedback now. One that an older version took in must not hold back every trace behind its own.
          return [];
        }
      });
  }

  async function assembleRound(forced: boolean, done: Set<string>): Promise<number> {
    let assembled = 0;
    let waiting: AssembledTrace[] = [];
    const save = async () => {
      if (waiting.length > 0) await store.saveManyAssembled(waiting);
      waiting = [];
      await breathe();
    };
    for (const pending of await store.pendingTraces(PENDING_SCAN)) {
      if (!forced && assembled >= TRACES_PER_STEP) break;
      if (done.has(pending.traceId)) continue;
      const one = await assembleOne(pending, forced);
      if (one === undefined) continue;
      waiting.push(one);
      assembled += 1;
      done.add(pending.traceId);
      if (waiting.length >= TRACES_PER_COMMIT) await save();
    }
    await save();
    return assembled;
  }

  return {
    async step() {
      const mapped = await mapBodies();
      await breathe();
      const assembled = await assembleRound(false, new Set());
      return { mapped, assembled, busy: mapped === BODIES_PER_STEP || assembled === TRACES_PER_STEP };
    },
    async drain(force) {
      let mapped = 0;
      for (let round = await mapBodies(); round > 0; round = await mapBodies()) {
        mapped += round;
        await breathe();
      }
      const done = new Set<string>();
      let assembled = 0;
      for (let round = await assembleRound(force, done); round > 0; round = await assembleRound(force, done)) assembled += round;
      return { mapped, assembled };
    },
  };
}

/** The store works synchronously on this thread; without a turn of the event loop in between, appends would wait for a whole drain. */
function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Joins logs to their spans on (trace id, span id) and normalises. Logs of a span that is not there yet wait in the store. */
export function spansOfBatch(batch: RawBatch): readonly Span[] {
  const logs = new Map<string, RawLog[]>();
  for (const log of batch.logs) {
    const known = logs.get(log.spanId);
    if (known === undefined) logs.set(log.spanId, [log]);
    else known.push(log);
  }
  return batch.spans.map((span: RawSpan) => normalise(span, logs.get(span.spanId) ?? []));
}
