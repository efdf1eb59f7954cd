/** Closed set of failure codes. `unavailable` and `timeout` may be tried again; nothing else may. */
export type ErrorCode = "invalid" | "not-found" | "conflict" | "too-large" | "unavailable" | "timeout" | "cancelled" | "internal";

export interface LearnErrorOptions {
  /** The next thing a person can do, as an imperative sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
}

const MARK = Symbol.for("agentlearn.error");

/** The one error class. `message` says what happened to what; `hint` says what to do next. */
export class LearnError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: LearnErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "LearnError";
    this.code = code;
    this.hint = options.hint;
    // Not a declared member: a computed name cannot be written out under isolatedDeclarations.
    Object.defineProperty(this, MARK, { value: true });
  }

  /** True when the same call may succeed later without any change. */
  get retryable(): boolean {
    return this.code === "unavailable" || this.code === "timeout";
  }
}

/** Works across two loaded copies of this package, where `instanceof` does not. */
export function isLearnError(value: unknown): value is LearnError {
  return typeof value === "object" && value !== null && (value as { [MARK]?: unknown })[MARK] === true;
}

/** Turns anything caught at a door into a LearnError; a LearnError passes through unchanged. */
export function fromUnknown(caught: unknown, what: string, code: ErrorCode = "internal"): LearnError {
  if (isLearnError(caught)) return caught;
  return new LearnError(code, `${what}: ${messageOf(caught)}`, { cause: caught });
}

/** The message of anything that was thrown. Never throws itself, also not on hostile getters. */
export function messageOf(caught: unknown): string {
  try {
    return caught instanceof Error ? caught.message : String(caught);
  } catch {
    return "unprintable error";
  }
}
