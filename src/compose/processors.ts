import { currentRun } from "../agent/run-context.ts";
import { createStamp } from "../agent/stamp.ts";
import type { Config } from "../config/config.ts";
import { loadConfig } from "../config/load-config.ts";
import { createLogRecordProcessor, createSpanProcessor, type LogRecordProcessorLike, type SpanProcessorLike } from "../span/processor.ts";
import type { LogRecordLike, SpanLike } from "../span/sdk-shapes.ts";
import { createReporter } from "../telemetry/report.ts";
import { baggagePolicy } from "./from-config.ts";
import { acquireRuntime, endpointTarget, type Runtime } from "./runtime.ts";

/** One of the two; without either, AGENTLEARN_ENDPOINT or AGENTLEARN_STORE decide. */
export interface ProcessorOptions {
  /** `file:./agentlearn.db`, a path, or the URL of a libSQL server. */
  readonly store?: string;
  /** OTLP/HTTP base URL of a collector, e.g. "http://collector:4318". */
  readonly endpoint?: string;
  /** Whether GenAI spans are stamped with what agents above said in baggage. Default as configured: on. */
  readonly baggage?: "on" | "off";
  /** Then baggage that is not signed with it is ignored. */
  readonly baggageSecret?: string;
  /** Whom this process works for, where a run does not say. Default as configured: nobody in particular. */
  readonly tenant?: string;
}

export const SHUTDOWN_TIMEOUT_MS = 5_000;

/**
 * A SpanProcessor for any OpenTelemetry JS SDK (1.x, 2.x, 3.x): structural, no SDK import. GenAI spans are copied and handed in batches
 * to one writer thread. No hook throws, also when the store can't be opened: it counts, and says so once through `diag`.
 */
export class AgentLearnSpanProcessor implements SpanProcessorLike {
  readonly #runtime: Runtime | undefined;
  readonly #processor: SpanProcessorLike | undefined;
  readonly #stamp: ReturnType<typeof createStamp> | undefined;
  readonly #reporter = createReporter("processor");

  constructor(options: ProcessorOptions = {}) {
    this.#runtime = quietRuntime(options);
    this.#stamp = quietStamp(options);
    if (this.#runtime !== undefined) this.#processor = createSpanProcessor({ sink: this.#runtime.sink, isIgnored: isTrial });
  }

  onStart(span: SpanLike, parentContext: unknown): void {
    try {
      this.#stamp?.(span, parentContext);
    } catch (caught) {
      this.#reporter.failure("could not stamp a span", caught);
    }
    this.#processor?.onStart(span, parentContext);
  }

  onEnd(span: SpanLike): void {
    this.#processor?.onEnd(span);
  }

  async forceFlush(): Promise<void> {
    await this.#processor?.forceFlush();
  }

  async shutdown(): Promise<void> {
    await this.#processor?.shutdown();
    await this.#runtime?.release(SHUTDOWN_TIMEOUT_MS);
  }
}

/** The same for log records: the official OpenAI instrumentation puts message content only there. */
export class AgentLearnLogRecordProcessor implements LogRecordProcessorLike {
  readonly #runtime: Runtime | undefined;
  readonly #processor: LogRecordProcessorLike | undefined;

  constructor(options: ProcessorOptions = {}) {
    this.#runtime = quietRuntime(options);
    if (this.#runtime !== undefined) this.#processor = createLogRecordProcessor({ sink: this.#runtime.sink, isIgnored: isTrial });
  }

  onEmit(record: LogRecordLike, context?: unknown): void {
    this.#processor?.onEmit(record, context);
  }

  async forceFlush(): Promise<void> {
    await this.#processor?.forceFlush();
  }

  async shutdown(): Promise<void> {
    await this.#processor?.shutdown();
    await this.#runtime?.release(SHUTDOWN_TIMEOUT_MS);
  }
}

/**
 * True inside the runner while a candidate is tested: such runs are evidence for the gate, not production. Tracing is suppressed there too, but an SDK
 * without a context manager does not see that.
 */
export function isTrial(): boolean {
  return currentRun()?.fixedText !== undefined;
}

/** A wrong option must not stop the agent from starting: it is reported, and the processor does nothing. */
export function quietRuntime(options: ProcessorOptions): Runtime | undefined {
  try {
    const config = loadConfig({ code: { ...options }, env: process.env });
    const name = `agent ${config.agentName ?? "agent"}`;
    const wanted = options.store === undefined ? config.endpoint : undefined;
    return acquireRuntime(wanted === undefined ? { store: config.store } : endpointTarget(wanted, config), {
      name,
      quietMs: config.quietMs,
      idleMs: config.idleMs,
      ingest: "on-demand",
    });
  } catch (caught) {
    createReporter("processor").failure("it does nothing: the settings can't be used", caught);
    return undefined;
  }
}

function quietStamp(options: ProcessorOptions): ReturnType<typeof createStamp> | undefined {
  const config = quietConfig(options);
  return config === undefined ? undefined : createStamp(baggagePolicy(config), config.tenant);
}

/** Undefined where the settings can't be used, which `quietRuntime` reports. */
export function quietConfig(options: ProcessorOptions): Config | undefined {
  try {
    return loadConfig({ code: { ...options }, env: process.env });
  } catch {
    return undefined;
  }
}
