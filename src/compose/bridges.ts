import { type AiChannel, listenToAiChannel } from "../span/ai-channel.ts";
import type { AgentsSpanLike, AgentsTraceLike } from "../span/from-openai-agents.ts";
import { createTracingProcessor, type TracingProcessorLike } from "../span/openai-agents.ts";
import type { BridgeOptions } from "../span/ports.ts";
import { TENANT } from "../telemetry/attributes.ts";
import { outerRun } from "./outer-run.ts";
import { type ProcessorOptions, quietConfig, quietRuntime, SHUTDOWN_TIMEOUT_MS } from "./processors.ts";
import type { Runtime } from "./runtime.ts";

/**
 * For `addTraceProcessor` of the OpenAI Agents SDK: its traces become runs, without OpenTelemetry. Same options and same promises as
 * `AgentLearnSpanProcessor`: no hook throws, also when the store can't be opened.
 */
export class AgentLearnTracingProcessor implements TracingProcessorLike {
  readonly #runtime: Runtime | undefined;
  readonly #processor: TracingProcessorLike | undefined;

  constructor(options: ProcessorOptions = {}) {
    this.#runtime = quietRuntime(options);
    if (this.#runtime !== undefined) this.#processor = createTracingProcessor(bridgeOptions(this.#runtime, options));
  }

  async onTraceStart(trace: AgentsTraceLike): Promise<void> {
    await this.#processor?.onTraceStart(trace);
  }

  async onTraceEnd(trace: AgentsTraceLike): Promise<void> {
    await this.#processor?.onTraceEnd(trace);
  }

  async onSpanStart(span: AgentsSpanLike): Promise<void> {
    await this.#processor?.onSpanStart(span);
  }

  async onSpanEnd(span: AgentsSpanLike): Promise<void> {
    await this.#processor?.onSpanEnd(span);
  }

  async forceFlush(): Promise<void> {
    await this.#processor?.forceFlush();
  }

  async shutdown(_timeoutMs?: number): Promise<void> {
    await this.#processor?.shutdown();
    await this.#runtime?.release(SHUTDOWN_TIMEOUT_MS);
  }
}

/** What `listenToAiSdk` returns. No promise rejects. */
export interface AiSdkListener {
  forceFlush(): Promise<void>;
  /** Stops listening and flushes. Safe twice. */
  shutdown(): Promise<void>;
}

/**
 * Records the runs of AI SDK 7 and later from its diagnostics channel: no OpenTelemetry, no change to the calls. A call that the SDK's own
 * integration with OpenTelemetry tells to one of our span processors in this process is left to that. What is pending is flushed when the
 * process runs out of work. Never throws.
 */
export function listenToAiSdk(options: ProcessorOptions = {}): AiSdkListener {
  const runtime = quietRuntime(options);
  if (runtime === undefined) return { forceFlush: async () => {}, shutdown: async () => {} };
  const channel = listenToAiChannel(bridgeOptions(runtime, options));
  const atExit = flushOnce(channel);
  process.on("beforeExit", atExit);
  return {
    forceFlush: channel.forceFlush,
    async shutdown() {
      process.off("beforeExit", atExit);
      await channel.shutdown();
      await runtime.release(SHUTDOWN_TIMEOUT_MS);
    },
  };
}

/** The event comes again after every flush that gave the loop work: without something new there must be none. */
function flushOnce(channel: AiChannel): () => void {
  let flushed = 0;
  return () => {
    if (channel.count() === flushed) return;
    flushed = channel.count();
    void channel.forceFlush();
  };
}

/** The service as the SDKs of OpenTelemetry read it from the environment. */
function bridgeOptions(runtime: Runtime, options: ProcessorOptions): BridgeOptions {
  const service = process.env["OTEL_SERVICE_NAME"];
  const tenant = quietConfig(options)?.tenant;
  return {
    sink: runtime.sink,
    outer: outerRun,
    resource: {
      ...(service === undefined || service === "" ? {} : { "service.name": service }),
      ...(tenant === undefined ? {} : { [TENANT]: tenant }),
    },
  };
}
