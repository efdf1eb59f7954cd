/** Seconds and nanoseconds, as OpenTelemetry SDKs for JavaScript write times. */
export type HrTimeLike = readonly [seconds: number, nanos: number];

export interface SpanContextLike {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags?: number;
  readonly isRemote?: boolean | undefined;
}

interface ScopeLike {
  readonly name?: string;
  readonly version?: string | undefined;
}

interface ResourceLike {
  readonly attributes: object;
  /** True while detectors still run, so that the attributes may grow. */
  readonly asyncAttributesPending?: boolean | undefined;
}

/** What is read of a finished span. Fits ReadableSpan of the SDK lines 1, 2 and 3, none of which is imported. */
export interface SpanLike {
  readonly name: string;
  /** SDK kind: 0 internal … 4 consumer. */
  readonly kind: number;
  spanContext(): SpanContextLike;
  /** Since SDK 2. */
  readonly parentSpanContext?: SpanContextLike | undefined;
  /** SDK 1. */
  readonly parentSpanId?: string | undefined;
  readonly startTime: HrTimeLike;
  readonly endTime: HrTimeLike;
  readonly status: { readonly code: number; readonly message?: string | undefined };
  readonly attributes: object;
  readonly events: readonly { readonly name: string; readonly time: HrTimeLike; readonly attributes?: object | undefined }[];
  readonly links: readonly { readonly context: SpanContextLike; readonly attributes?: object | undefined }[];
  readonly resource: ResourceLike;
  /** What the SDK left out at its limits. */
  readonly droppedAttributesCount?: number | undefined;
  readonly droppedEventsCount?: number | undefined;
  readonly droppedLinksCount?: number | undefined;
  /** Since SDK 2. */
  readonly instrumentationScope?: ScopeLike | undefined;
  /** SDK 1. */
  readonly instrumentationLibrary?: ScopeLike | undefined;
}

/** What is read of a log record: SdkLogRecord of the SDK lines 0.5x, 0.2xx and 3. */
export interface LogRecordLike {
  readonly hrTime: HrTimeLike;
  readonly hrTimeObserved?: HrTimeLike | undefined;
  readonly spanContext?: SpanContextLike | undefined;
  readonly eventName?: string | undefined;
  readonly body?: unknown;
  readonly attributes: object;
  readonly droppedAttributesCount?: number | undefined;
  readonly resource: ResourceLike;
  readonly instrumentationScope?: ScopeLike | undefined;
}
