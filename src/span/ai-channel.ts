import { AsyncLocalStorage } from "node:async_hooks";
import { tracingChannel } from "node:diagnostics_channel";
import { digest } from "../base/id.ts";
import { createReporter } from "../telemetry/report.ts";
import { createCopier } from "./copy-value.ts";
import { createDelivery } from "./delivery.ts";
import { type AiMessageLike, isAgentWork, rawSpanFromAi } from "./from-ai-channel.ts";
import type { BridgeOptions, OuterRun } from "./ports.ts";
import type { Attributes } from "./raw-span.ts";

/** A subscription to the AI SDK's diagnostics channel. */
export interface AiChannel {
  /** Resolves when the sink has all that ended before, or at the deadline. Never rejects. */
  forceFlush(): Promise<void>;
  /** Stops listening, then flushes. Safe twice; never rejects. */
  shutdown(): Promise<void>;
  /** Model calls, tools and runs that ended and were handed on. */
  count(): number;
}

export interface AiChannelOptions extends BridgeOptions {
  /** Microseconds since the epoch. Default: the wall clock, in steps of the process's own. */
  readonly nowUs?: () => number;
}

/** One `generateText`, `streamText`, `embed` …: all operations of one call id. */
interface Call {
  readonly id: string;
  readonly outer: OuterRun | undefined;
  readonly traceId: string;
  readonly nowUs: () => number;
  /** True once the AI SDK's own integration began a span for it that one of our span processors was told of. */
  spanned: boolean;
  /** So that equal operations of one call get ids of their own. */
  operations: number;
}

interface Open {
  readonly call: Call;
  readonly type: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly startTimeUs: number;
  readonly stamp: (() => Attributes) | undefined;
}

/** A streamed model call: what it says is known when its stream ends, or its step. */
interface Streaming {
  readonly open: Open;
  readonly message: AiMessageLike;
}

const CHANNEL = "ai:telemetry";
// Streams that nobody reads to their end are forgotten, oldest first.
const MAX_STREAMING = 1_000;

// One per listener: a channel binds each store once.
const listening = new Set<AsyncLocalStorage<Open | undefined>>();

/**
 * Called for each span that begins in one of our processors. A GenAI span that begins directly inside a run or a step of the AI SDK, and not
 * inside a model call or a tool, is the SDK's own: its integration with OpenTelemetry tells this call already, so the channel keeps silent.
 * That is evidence for the call at hand: a registered integration whose spans go elsewhere loses nothing, and nothing is told twice.
 */
export function noteSpanStart(span: unknown): void {
  for (const current of listening) {
    const open = current.getStore();
    if (open === undefined || open.type === "languageModelCall" || open.type === "executeTool") continue;
    const attributes = (span as { readonly attributes?: { readonly [key: string]: unknown } }).attributes;
    if (attributes?.["gen_ai.operation.name"] !== undefined || attributes?.["ai.operationId"] !== undefined) open.call.spanned = true;
  }
}

/** Makes spans of what the AI SDK (7 and later) tells the channel `ai:telemetry`. Subscribers of the host see nothing of it; no hook throws. */
export function listenToAiChannel(options: AiChannelOptions): AiChannel {
  const reporter = options.reporter ?? createReporter("ai-channel");
  const delivery = createDelivery({ sink: options.sink, maxFlushMs: options.maxFlushMs ?? 5_000, reporter });
  const current = new AsyncLocalStorage<Open | undefined>();
  const opened = new WeakMap<object, Open>();
  const streaming = new Map<string, Streaming>();
  const channel = tracingChannel<Open | undefined, object>(CHANNEL);
  let told = 0;

  function begin(message: AiMessageLike): Open | undefined {
    const above = current.getStore();
    const { callId, stepNumber, toolCall } = message.event as EventLike;
    if (typeof callId !== "string" || !isAgentWork(message.type)) return above;
    const call = above?.call.id === callId ? above.call : callOf(callId, above);
    call.operations += 1;
    const key = toolCall?.toolCallId ?? stepNumber ?? call.operations;
    const open: Open = {
      call,
      type: message.type,
      spanId: digest([callId, message.type, String(key)], 16),
      parentSpanId: above?.spanId ?? call.outer?.spanId,
      startTimeUs: call.nowUs(),
      stamp: above === undefined ? call.outer?.attributes : undefined,
    };
    opened.set(message, open);
    return open;
  }

  function callOf(id: string, above: Open | undefined): Call {
    const outer = above === undefined ? options.outer?.() : undefined;
    const traceId = above?.call.traceId ?? outer?.traceId ?? digest([id], 32);
    // By the clock of the call it is made in: another would begin up to a millisecond before it.
    const nowUs = above?.call.nowUs ?? options.nowUs ?? wallClock();
    return { id, outer, traceId, nowUs, spanned: false, operations: 0 };
  }

  function end(message: AiMessageLike): void {
    const open = opened.get(message);
    if (open === undefined) return;
    opened.delete(message);
    if (open.type === "languageModelCall" && isStream(message.result)) {
      finishStream(open.call.id);
      streaming.set(open.call.id, { open, message });
      const oldest = streaming.keys().next();
      if (streaming.size > MAX_STREAMING && oldest.done !== true) finishStream(oldest.value);
      return;
    }
    if (open.type === "step" || open.type === "streamText") finishStream(open.call.id);
    tell(open, message);
  }

  function finishStream(callId: string, event?: object): void {
    const waiting = streaming.get(callId);
    if (waiting === undefined) return;
    streaming.delete(callId);
    tell(waiting.open, waiting.message, event);
  }

  function tell(open: Open, message: AiMessageLike, streamed?: object): void {
    if (open.call.spanned || open.call.outer?.sampled === false) return;
    const copier = createCopier();
    const operation = {
      message,
      traceId: open.call.traceId,
      spanId: open.spanId,
      ...(open.parentSpanId === undefined ? {} : { parentSpanId: open.parentSpanId }),
      startTimeUs: open.startTimeUs,
      endTimeUs: open.call.nowUs(),
      streamed,
      stamp: open.stamp?.(),
      resource: options.resource,
    };
    const span = rawSpanFromAi(operation, copier);
    if (span === undefined) return;
    told += 1;
    delivery.span(span, copier.length());
  }

  // What a hook of this channel throws ends the host as an uncaught exception.
  function guarded<T>(what: string, run: () => T, otherwise: T): T {
    try {
      return delivery.closed() ? otherwise : run();
    } catch (caught) {
      reporter.failure(what, caught);
      return otherwise;
    }
  }

  const enter = (message: unknown) => guarded("could not begin a span", () => begin(message as AiMessageLike), undefined);
  const subscribers = {
    start() {},
    end() {},
    asyncStart() {},
    asyncEnd: (message: object) => guarded("could not end a span", () => end(message as AiMessageLike), undefined),
    error() {},
  };
  // The channel tells of a stream that it began; integrations are told what it said.
  const integration = {
    onLanguageModelCallEnd(event: { readonly callId?: unknown }) {
      guarded("could not read a streamed answer", () => finishStream(String(event.callId), event), undefined);
    },
  };

  channel.start.bindStore(current, enter);
  channel.subscribe(subscribers);
  integrations().push(integration);
  listening.add(current);

  function stop(): void {
    if (!listening.delete(current)) return;
    channel.start.unbindStore(current);
    channel.unsubscribe(subscribers);
    const list = integrations();
    const at = list.indexOf(integration);
    if (at >= 0) list.splice(at, 1);
    for (const callId of [...streaming.keys()]) guarded("could not end a stream", () => finishStream(callId), undefined);
  }

  return {
    forceFlush: delivery.flush,
    async shutdown() {
      stop();
      await delivery.shutdown();
    },
    count: () => told,
  };
}

interface EventLike {
  readonly callId?: unknown;
  readonly stepNumber?: number;
  readonly toolCall?: { readonly toolCallId?: string };
}

function isStream(result: unknown): boolean {
  return typeof result === "object" && result !== null && "stream" in result;
}

/** The AI SDK's public list of integrations, which `registerTelemetry` fills. A call may name integrations of its own instead. */
function integrations(): object[] {
  const host = globalThis as { AI_SDK_TELEMETRY_INTEGRATIONS?: object[] };
  host.AI_SDK_TELEMETRY_INTEGRATIONS ??= [];
  return host.AI_SDK_TELEMETRY_INTEGRATIONS;
}

/** The wall clock at the start, and from there the process's own, which is never set back. */
function wallClock(): () => number {
  const startUs = Date.now() * 1000;
  const startMs = performance.now();
  return () => Math.round(startUs + (performance.now() - startMs) * 1000);
}
