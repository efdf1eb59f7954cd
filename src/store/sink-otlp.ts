import { LearnError, messageOf } from "../base/error.ts";
import type { RawLog, RawSpan } from "../span/raw-span.ts";
import { batchOfBody } from "./batch-body.ts";
import type { Role } from "./role.ts";

export interface SenderOptions {
  /** Base url of an OTLP/HTTP receiver, like http://collector:4318; `/v1/traces` and `/v1/logs` are added. */
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
}

interface Exporter {
  export(items: readonly unknown[], done: (result: { readonly code: number; readonly error?: Error }) => void): void;
  shutdown(): Promise<void>;
}

/** Sends copies on to a collector, with the exporter packages of OpenTelemetry and their retries. There is no store to call. */
export function createSenderRole(options: SenderOptions): Role {
  const base = options.endpoint.replace(/\/+$/, "");
  const traces = lazily(() =>
    loadExporter("@opentelemetry/exporter-trace-otlp-http", "OTLPTraceExporter", `${base}/v1/traces`, options.headers),
  );
  const logs = lazily(() => loadExporter("@opentelemetry/exporter-logs-otlp-http", "OTLPLogExporter", `${base}/v1/logs`, options.headers));
  return {
    kind: "sender",
    call: async (method) => {
      throw new LearnError("invalid", `${method} needs a store, and this process sends its spans to ${options.endpoint}`, {
        hint: "give a store url, or ask the collector",
      });
    },
    take: async (body) => {
      const batch = batchOfBody(body);
      if (batch.spans.length > 0) await send(await traces.get(), batch.spans.map(readableSpan), base);
      if (batch.logs.length > 0) await send(await logs.get(), batch.logs.map(readableLog), base);
    },
    isLost: () => false,
    close: async () => {
      for (const exporter of [traces, logs])
        await exporter
          .made()
          ?.then((made) => made.shutdown())
          .catch(() => undefined);
    },
  };
}

function lazily(make: () => Promise<Exporter>): { get(): Promise<Exporter>; made(): Promise<Exporter> | undefined } {
  let made: Promise<Exporter> | undefined;
  return {
    get: () => {
      made ??= make();
      return made;
    },
    made: () => made,
  };
}

async function loadExporter(name: string, className: string, url: string, headers: Readonly<Record<string, string>>): Promise<Exporter> {
  try {
    const loaded = (await import(name)) as Record<string, new (config: object) => Exporter>;
    const Class = loaded[className];
    if (Class === undefined) throw new Error(`it has no ${className}`);
    return new Class({ url, headers });
  } catch (caught) {
    throw new LearnError("invalid", `${name} could not be loaded, so nothing is sent to ${url}: ${messageOf(caught)}`, {
      cause: caught,
      hint: `npm install ${name}`,
    });
  }
}

/** The exporter tries for its own ten seconds; what it gives up is given up, or spans would come twice and late. */
function send(exporter: Exporter, items: readonly unknown[], base: string): Promise<void> {
  return new Promise((resolve, reject) => {
    exporter.export(items, ({ code, error }) => {
      if (code === 0) resolve();
      else
        reject(new LearnError("internal", `collector ${base} did not take ${items.length} records: ${messageOf(error)}`, { cause: error }));
    });
  });
}

type HrTime = readonly [seconds: number, nanoseconds: number];

function hrTime(timeUs: number): HrTime {
  const seconds = Math.floor(timeUs / 1_000_000);
  return [seconds, Math.round((timeUs - seconds * 1_000_000) * 1000)];
}

/** The parts of an SDK ReadableSpan (2.x and 3.x) that exporters read. */
function readableSpan(span: RawSpan): object {
  const parent = span.parentSpanId;
  return {
    name: span.name,
    // The SDK counts kinds from 0 internal, OTLP from 1.
    kind: Math.max(0, span.kind - 1),
    spanContext: () => ({ traceId: span.traceId, spanId: span.spanId, traceFlags: 1 }),
    ...(parent === undefined
      ? {}
      : { parentSpanContext: { traceId: span.traceId, spanId: parent, traceFlags: 1, isRemote: span.remoteParent === true } }),
    startTime: hrTime(span.startTimeUs),
    endTime: hrTime(span.endTimeUs),
    duration: hrTime(span.endTimeUs - span.startTimeUs),
    ended: true,
    status: span.status,
    attributes: span.attributes,
    events: span.events.map((event) => ({ name: event.name, time: hrTime(event.timeUs), attributes: event.attributes })),
    links: span.links.map(({ traceId, spanId, attributes }) => ({ context: { traceId, spanId, traceFlags: 1 }, attributes })),
    resource: resourceOf(span.resource),
    instrumentationScope: span.scope,
    droppedAttributesCount: span.droppedCount ?? 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

function readableLog(log: RawLog): object {
  return {
    hrTime: hrTime(log.timeUs),
    hrTimeObserved: hrTime(log.timeUs),
    spanContext: { traceId: log.traceId, spanId: log.spanId, traceFlags: 1 },
    eventName: log.eventName,
    body: log.body,
    attributes: log.attributes,
    resource: resourceOf(log.resource),
    instrumentationScope: log.scope,
    droppedAttributesCount: log.droppedCount ?? 0,
  };
}

// Exporters group by the resource object, so equal resources should be one object; the processor hands on one per provider.
function resourceOf(attributes: RawSpan["resource"]): object {
  return {
    attributes,
    asyncAttributesPending: false,
    getRawAttributes: () => Object.entries(attributes),
    merge: (other: unknown) => other,
  };
}
