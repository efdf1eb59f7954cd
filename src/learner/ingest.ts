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
import type { AssembledTrace, IngestStore, PendingTrace, StoredFeedback, TraceMaterial } from "../store/ports.ts";
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
  /** Awaited between two commits; default a turn of the event loop. */
  readonly turn?: (mappedBytes?: number) => Promise<void>;
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
// Rows, not spans: enough that traces waiting for a root (60 s) do not hide those that are ready.
const PENDING_SCAN = 4_096;
// So many rows for each 64 traces that were ready were 15 of the 250 µs that a span took. Only a trace that grows beyond maxSpans can be ready behind
// one that is not, and that may wait a second.
const WHOLE_SCAN_EVERY_US = 1_000_000;
const SIGNALS = [deterministicSignal(), evaluationSignal()];

export function createIngest(options: IngestOptions): Ingest {
  const { store, clock, turn = breathe } = options;
  const limits = { quietMs: options.quietMs ?? 10_000, idleMs: options.idleMs ?? 60_000, maxSpans: options.maxSpans ?? 10_000 };
  // Traces seen without a root, by the arrival they were seen at: not read again until something new arrives or idleMs passes.
  const rootless = new Map<string, TimeUs>();
  let scannedAtUs: TimeUs | undefined;

  async function mapBodies(): Promise<number> {
    const bodies = await store.unmappedBodies(BODIES_PER_STEP);
    let readable: DecodedBody[] = [];
    let items = 0;
    let bytes = 0;
    for (const body of bodies) {
      bytes += body.body.byteLength;
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
      await turn(bytes);
      [readable, items, bytes] = [[], 0, 0];
    }
    await saveTogether(readable);
    if (bytes > 0) await turn(bytes);
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

  /** False when what is stored of the trace need not even be read. */
  function mayBeReady(pending: PendingTrace): boolean {
    const silentMs = silentMsOf(pending);
    if (pending.spanCount >= limits.maxSpans) return true;
    return silentMs >= limits.quietMs && (rootless.get(pending.traceId) !== pending.lastArrivalUs || silentMs >= limits.idleMs);
  }

  /** A run that was complete before feedback came is complete now. */
  function silentMsOf(pending: PendingTrace): number {
    return pending.feedbackOnly ? limits.idleMs : (clock.nowUs() - pending.lastArrivalUs) / 1000;
  }

  /** Undefined when the trace has to wait. */
  async function assembleOne(pending: PendingTrace, material: TraceMaterial, forced: boolean): Promise<AssembledTrace | undefined> {
    const spans = spansOfBatch(material.batch);
    const reason = readiness({
      hasRoot: hasEndedRoot(spans),
      spanCount: spans.length,
      lastArrivalUs: pending.lastArrivalUs,
      nowUs: pending.lastArrivalUs + silentMsOf(pending) * 1000,
      ...limits,
    });
    if (reason === undefined && !forced) {
      rootless.set(pending.traceId, pending.lastArrivalUs);
      return undefined;
    }
    rootless.delete(pending.traceId);
    const traces = assemble(spans, reason ?? "flush");
    const outcomes: Outcome[] = [];
    for (const trace of traces) outcomes.push(...(await judge(trace, SIGNALS, clock.nowUs())), ...fedBack(trace, material.feedback));
    return { traceId: pending.traceId, traces, outcomes, seenArrivalUs: pending.lastArrivalUs };
  }

  /** Those that came first stand in front, so what is quiet is among as many as one step takes and those known to wait for a root. */
  function scanned(): Promise<readonly PendingTrace[]> {
    const nowUs = clock.nowUs();
    const isDue = scannedAtUs === undefined || Math.abs(nowUs - scannedAtUs) >= WHOLE_SCAN_EVERY_US;
    if (isDue) scannedAtUs = nowUs;
    return store.pendingTraces(isDue ? PENDING_SCAN : Math.min(PENDING_SCAN, TRACES_PER_STEP + rootless.size));
  }

  async function assembleRound(found: readonly PendingTrace[], forced: boolean, done: Set<string>): Promise<number> {
    const pending = found.filter((trace) => !done.has(trace.traceId));
    const ready = forced ? pending : pending.filter(mayBeReady);
    let assembled = 0;
    for (const group of groupsOf(forced ? ready : ready.slice(0, TRACES_PER_STEP))) {
      const byId = new Map(group.map((trace) => [trace.traceId, trace]));
      const whole: AssembledTrace[] = [];
      for (const material of await store.materialOf([...byId.keys()])) {
        const trace = byId.get(material.traceId);
        const one = trace === undefined ? undefined : await assembleOne(trace, material, forced);
        if (one !== undefined) whole.push(one);
      }
      if (whole.length > 0) await store.saveManyAssembled(whole);
      for (const { traceId } of whole) done.add(traceId);
      assembled += whole.length;
      await turn();
    }
    return assembled;
  }

  return {
    async step() {
      const mapped = await mapBodies();
      await turn();
      const assembled = await assembleRound(await scanned(), false, new Set());
      return { mapped, assembled, busy: mapped > 0 || assembled === TRACES_PER_STEP };
    },
    async drain(force) {
      let mapped = 0;
      for (let round = await mapBodies(); round > 0; round = await mapBodies()) {
        mapped += round;
        await turn();
      }
      const done = new Set<string>();
      let assembled = 0;
      const next = async (): Promise<number> => assembleRound(await store.pendingTraces(PENDING_SCAN), force, done);
      for (let round = await next(); round > 0; round = await next()) assembled += round;
      return { mapped, assembled };
    },
  };
}

/** Feedback as outcomes of a run. The store refuses what cannot be read; what an older version took in must not hold back the traces behind it. */
function fedBack(trace: Trace, feedback: readonly StoredFeedback[]): readonly Outcome[] {
  return feedback
    .filter((entry) => entry.traceId === trace.traceId || entry.traceId === trace.id)
    .flatMap((entry) => {
      try {
        return [outcomeFromFeedback(trace.id, entry, entry.createdAtUs)];
      } catch {
        return [];
      }
    });
}

/** Traces that share a commit: as many as hold about SPANS_PER_COMMIT spans. A commit of its own for each made a drain of 2,400 take 37 s on a busy disk. */
function groupsOf(pending: readonly PendingTrace[]): readonly (readonly PendingTrace[])[] {
  const groups: PendingTrace[][] = [];
  let spans = Number.POSITIVE_INFINITY;
  for (const trace of pending) {
    if (spans >= SPANS_PER_COMMIT) {
      groups.push([]);
      spans = 0;
    }
    groups.at(-1)?.push(trace);
    spans += trace.spanCount;
  }
  return groups;
}

/** The store works synchronously on this thread; without a turn of the event loop in between, appends would wait for a whole drain. */
function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Joins logs to their spans on (trace id, span id) and normalises, in the order of the spans. Logs of a span that is not there yet wait in the store. */
export function spansOfBatch(batch: RawBatch): readonly Span[] {
  const logs = logsBySpan(batch.logs);
  return batch.spans.map((span: RawSpan) => normalise(span, logs.get(span.spanId) ?? []));
}

/** Of one W3C trace. */
export function logsBySpan(logs: readonly RawLog[]): ReadonlyMap<string, readonly RawLog[]> {
  const bySpan = new Map<string, RawLog[]>();
  for (const log of logs) {
    const known = bySpan.get(log.spanId);
    if (known === undefined) bySpan.set(log.spanId, [log]);
    else known.push(log);
  }
  return bySpan;
}
