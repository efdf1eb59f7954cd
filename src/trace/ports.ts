import type { Trace, TraceSummary } from "./trace.ts";

export interface TraceFilter {
  readonly status?: "success" | "failure" | "partial";
  readonly agentName?: string;
  /** Only runs with an outcome that a person should look at and none has: feedback settles it. */
  readonly review?: boolean;
  /** At most this many, newest first. Default 20. */
  readonly limit?: number;
}

/** Reads assembled traces. Every call sees the last committed state. */
export interface TraceReader {
  /** Newest first. Empty means none match. */
  listTraces(filter: TraceFilter): Promise<readonly TraceSummary[]>;
  /** By full id or unique prefix. Rejects "not-found", or "conflict" naming the candidates when the prefix is ambiguous. */
  getTrace(idOrPrefix: string): Promise<Trace>;
  /** Full-text over task, output and step errors; the text is data, never query syntax. Best match first. */
  searchTraces(text: string, limit: number): Promise<readonly TraceSummary[]>;
}
