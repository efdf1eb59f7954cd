import { textOf } from "./json.ts";
import type { Occurrence, Reading } from "./ports.ts";
import type { AttributeValue, RawSpan } from "./raw-span.ts";
import type { SpanError } from "./span.ts";

const EXCEPTION_NAMES: readonly string[] = ["exception", "gen_ai.client.operation.exception"];

/**
 * A span failed when its status, `error.type`, an exception, a finish reason or its dialect says so. Status OK does not outvote the others: some
 * emitters close a failed call with it.
 */
export function errorOf(
  span: RawSpan,
  occurrences: readonly Occurrence[],
  read: Pick<Reading, "finishReasons" | "failed" | "errorText">,
): SpanError | undefined {
  const exception = occurrences.findLast((occurrence) => EXCEPTION_NAMES.includes(occurrence.name));
  const type = text(span.attributes["error.type"]) ?? text(exception?.attributes["exception.type"]);
  const finishedInError = read.finishReasons?.includes("error") === true;
  const failed = span.status.code === 2 || type !== undefined || exception !== undefined || finishedInError || read.failed === true;
  if (!failed) return undefined;
  const message =
    text(span.status.message) ??
    text(exception?.attributes["exception.message"]) ??
    text(span.attributes["error.message"]) ??
    read.errorText ??
    type ??
    (finishedInError ? "finish reason error" : "error");
  return { ...(type === undefined ? {} : { type }), message: withoutStack(message) };
}

// "Error: ", or the longer name of one, and blank lines around the repetition.
const MAX_HEADING = 200;

/** OpenInference puts the stack into the message: `what\n\nError: what\n    at …`. Two runs then never fail alike. */
function withoutStack(message: string): string {
  const stack = message.search(/\n\s+at \S/);
  if (stack < 0) return message;
  const head = message.slice(0, stack).trimEnd();
  // The message says itself twice, so the repetition starts in the middle, give or take its heading: few places to try, however long it is.
  const middle = Math.max(0, Math.floor((head.length - MAX_HEADING) / 2));
  for (let at = head.indexOf("\n\n", middle); at >= 0 && at <= head.length / 2; at = head.indexOf("\n\n", at + 1)) {
    const said = head.slice(0, at).trimEnd();
    if (said !== "" && head.endsWith(said)) return said;
  }
  return head;
}

function text(value: AttributeValue | undefined): string | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  return textOf(value);
}
