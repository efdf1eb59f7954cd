import { deserialize, serialize } from "node:v8";
import { joinChunks, splitChunks } from "../base/chunks.ts";
import type { TimeUs } from "../base/clock.ts";
import { flatten, unflatten } from "../base/flat.ts";
import type { RawBatch } from "../span/raw-span.ts";
import type { RawBody } from "./ports.ts";

// How V8 begins whatever it serialises. Joined chunks begin with the high byte of a length, which bodies of at most 64 MiB never fill.
const V8_START = 0xff;

/**
 * Copies from a processor as a body of format "batch". Runs on the agent's thread: the bytes are then moved to the writer thread and stored as they
 * are. Per span of 5 kB that is 5 µs here and none there; handing over objects costs 7 µs here, 10 there to build them and 5 to serialise them.
 * Throws for what V8 cannot serialise.
 */
export function bodyOfBatch(batch: RawBatch, receivedAtUs: TimeUs): RawBody {
  const traceIds = new Set<string>();
  for (const span of batch.spans) traceIds.add(span.traceId);
  for (const log of batch.logs) traceIds.add(log.traceId);
  // One resource serves many spans: V8 writes it once.
  const flat = flatten(batch, "resource");
  const body = serialize(flat);
  flat.length = 0;
  return {
    format: "batch",
    signal: batch.spans.length === 0 ? "logs" : "traces",
    encoding: "identity",
    body,
    receivedAtUs,
    traceIds: [...traceIds],
  };
}

/** Bodies of `bodyOfBatch` as one, without looking into them: a row and a file each would cost more than their bytes. */
export function joinBodies(bodies: readonly [RawBody, ...RawBody[]]): RawBody {
  const [first] = bodies;
  if (bodies.length === 1) return first;
  return {
    ...first,
    signal: bodies.some(({ signal }) => signal === "traces") ? "traces" : "logs",
    body: joinChunks(bodies.map(({ body }) => body)),
    traceIds: [...new Set(bodies.flatMap(({ traceIds }) => traceIds))],
  };
}

/** What is in a body of `bodyOfBatch` or `joinBodies`, for bodies that never left this process: it is not checked. */
export function batchOfBody({ body }: RawBody): RawBatch {
  const chunks = body[0] === V8_START ? [body] : splitChunks(body);
  const batches = chunks.map((chunk) => unflatten(deserialize(chunk)) as RawBatch);
  return { spans: batches.flatMap(({ spans }) => spans), logs: batches.flatMap(({ logs }) => logs) };
}
