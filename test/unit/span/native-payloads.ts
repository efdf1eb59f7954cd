import { tracingChannel } from "node:diagnostics_channel";
import { readFileSync } from "node:fs";
import { listenToAiChannel } from "../../../src/span/ai-channel.ts";
import type { AgentsSpanLike, AgentsTraceLike } from "../../../src/span/from-openai-agents.ts";
import { createTracingProcessor } from "../../../src/span/openai-agents.ts";
import type { SpanSink } from "../../../src/span/ports.ts";
import type { RawBatch, RawSpan } from "../../../src/span/raw-span.ts";

/** The hook that a recording was made of. */
export type Hook = "openai-agents" | "ai-channel";

export function hookOf(name: string): Hook {
  return name.startsWith("openai-agents") ? "openai-agents" : "ai-channel";
}

/** A recording, line by line as the hook was called. */
export function recordingOf(name: string): readonly unknown[] {
  return JSON.parse(readFileSync(new URL(`../../fixtures/spans/${name}.json`, import.meta.url), "utf8")) as readonly unknown[];
}

/** What a recording becomes when it is played to the bridge that its hook belongs to. */
export async function replayed(hook: Hook, recording: readonly unknown[]): Promise<RawBatch> {
  const { sink, spans } = collectingSink();
  await (hook === "openai-agents" ? replayAgents(recording, sink) : replayChannel(recording, sink));
  return { spans, logs: [] };
}

export function collectingSink(): { readonly sink: SpanSink; readonly spans: RawSpan[] } {
  const spans: RawSpan[] = [];
  return {
    spans,
    sink: {
      submit: (batch) => void spans.push(...batch.spans),
      flush: async () => {},
      close: async () => {},
      counts: () => ({ submitted: 0, dropped: 0, failed: 0 }),
    },
  };
}

interface AgentsLine {
  readonly ev: "traceStart" | "traceEnd" | "spanEnd";
  readonly t?: { readonly id: string; readonly workflow_name?: string; readonly group_id?: string | null; readonly metadata?: object };
  readonly s?: {
    readonly id: string;
    readonly trace_id: string;
    readonly parent_id: string | null;
    readonly started_at: string;
    readonly ended_at: string;
  };
  readonly raw?: { readonly data: object; readonly error: { readonly message: string; readonly data?: object } | null };
}

async function replayAgents(recording: readonly unknown[], sink: SpanSink): Promise<void> {
  const processor = createTracingProcessor({ sink });
  for (const { ev, t, s, raw } of recording as readonly AgentsLine[]) {
    if (t !== undefined) {
      const trace: AgentsTraceLike = { traceId: t.id, name: t.workflow_name, groupId: t.group_id, metadata: t.metadata };
      await (ev === "traceStart" ? processor.onTraceStart(trace) : processor.onTraceEnd(trace));
    } else if (s !== undefined && raw !== undefined) {
      const span: AgentsSpanLike = {
        traceId: s.trace_id,
        spanId: s.id,
        parentId: s.parent_id,
        startedAt: s.started_at,
        endedAt: s.ended_at,
        spanData: raw.data,
        error: raw.error,
      };
      await processor.onSpanEnd(span);
    }
  }
  await processor.shutdown();
}

interface ChannelLine {
  readonly ph: "start" | "end" | "asyncStart" | "asyncEnd" | "error";
  readonly type: string;
  readonly event: { readonly callId: string; readonly stepNumber?: number; readonly toolCall?: { readonly toolCallId: string } };
  readonly result?: unknown;
  readonly error?: unknown;
}

/**
 * Publishes what was recorded on the channel, each operation inside the one that it began in, as the SDK does. The recording wrote an error as
 * its text, and what is undefined as "undefined"; the channel holds an Error and nothing.
 */
async function replayChannel(recording: readonly unknown[], sink: SpanSink): Promise<void> {
  // The recording has no times: a millisecond passes at each.
  let nowUs = 1_790_000_000_000_000;
  const listener = listenToAiChannel({ sink, nowUs: () => (nowUs += 1000) });
  const channel = tracingChannel<unknown, object>("ai:telemetry");
  const lines = recording as readonly ChannelLine[];
  const keys = lines.map(operationKey);

  function play(from: number, until: number): void {
    let at = from;
    while (at < until) {
      const line = lines[at] as ChannelLine;
      const ended = lines.findIndex((other, index) => index > at && other.ph === "asyncEnd" && keys[index] === keys[at]);
      const message: { type: string; event: object; result?: unknown; error?: unknown } = { type: line.type, event: line.event };
      channel.start.runStores(message, () => {
        channel.end.publish(message);
        play(
          lines.findIndex((other, index) => index > at && other.ph === "start"),
          firstOf(ended, at),
        );
      });
      const { result, error } = lines[ended] as ChannelLine;
      if (result !== "undefined" && result !== undefined) message.result = result;
      if (typeof error === "string") message.error = revived(error);
      if (message.error !== undefined) channel.error.publish(message);
      channel.asyncStart.publish(message);
      channel.asyncEnd.publish(message);
      at = nextStart(ended);
    }
  }
  const nextStart = (after: number): number => {
    const next = lines.findIndex((other, index) => index > after && other.ph === "start");
    return next < 0 ? lines.length : next;
  };
  const firstOf = (ended: number, at: number): number => (nextStart(at) < ended ? ended : -1);

  play(0, lines.length);
  await listener.shutdown();
}

function operationKey({ type, event }: ChannelLine): string {
  return `${type} ${event.callId} ${event.stepNumber ?? ""} ${event.toolCall?.toolCallId ?? ""}`;
}

function revived(text: string): Error {
  const [, name = "Error", message = text] = /^(\w+): ([\s\S]*)$/.exec(text) ?? [];
  return Object.assign(new Error(message), { name });
}
