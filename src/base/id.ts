import { hash, randomFillSync, randomUUID } from "node:crypto";

/** A random item id (UUID v4). People use its first 8 characters. */
export function newId(): string {
  return randomUUID();
}

/** A random W3C trace id: 32 lower-case hex characters. */
export function newTraceId(): string {
  return randomHex(16);
}

/** A random W3C span id: 16 lower-case hex characters. */
export function newSpanId(): string {
  return randomHex(8);
}

// To ask the system costs some 10 µs however few bytes it is asked for, and an agent's thread makes an id per call.
const pool = Buffer.alloc(4_096);
let left = 0;

/** Each byte of the pool is given out once. */
function randomHex(bytes: number): string {
  if (left < bytes) {
    randomFillSync(pool);
    left = pool.length;
  }
  left -= bytes;
  return pool.toString("hex", left, left + bytes);
}

/** The first `length` hex characters of SHA-256 over the parts, which are kept apart by a NUL. */
export function digest(parts: readonly string[], length = 32): string {
  return hash("sha256", parts.join("\0"), "hex").slice(0, length);
}

/** An item id that depends on nothing but the parts, in the form of a UUID. Reading the same text twice then gives the same id. */
export function idFrom(parts: readonly string[]): string {
  return digest(parts).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** A number in [0, 1) that depends on nothing but the text: 52 bits of its SHA-256. */
export function uniformOf(text: string): number {
  return Number.parseInt(hash("sha256", text, "hex").slice(0, 13), 16) / 2 ** 52;
}

/** The short form shown to people. */
export function shortId(id: string): string {
  return id.slice(0, 8);
}
