import { parseJson, valueFrom } from "./json.ts";
import type { Attributes, AttributeValue } from "./raw-span.ts";

/** Reads attributes by preference and remembers what was asked for, so that what no rule maps needs no second list. */
export interface AttributeReader {
  has(key: string): boolean;
  /** The first present key. All keys count as mapped. */
  value(...keys: readonly string[]): AttributeValue | undefined;
  /** The first key that holds a non-empty string. */
  text(...keys: readonly string[]): string | undefined;
  /** The first key that holds a finite number, also as decimal text (OTLP/JSON writes integers so). */
  number(...keys: readonly string[]): number | undefined;
  /** Like `value`, parsed where it is JSON text. */
  json(...keys: readonly string[]): AttributeValue | undefined;
  /** `N -> { rest: value }` for keys `prefix.N.rest`, in the order of N; holes are left out. */
  list(prefix: string): readonly Attributes[];
  /** What was not asked for under these prefixes. */
  rest(...prefixes: readonly string[]): Attributes;
}

const INDEXED = /^(\d{1,6})(?:\.(.+))?$/;

export function createAttributeReader(attributes: Attributes): AttributeReader {
  const mapped = new Set<string>();
  const own = (key: string): AttributeValue | undefined => (Object.hasOwn(attributes, key) ? attributes[key] : undefined);

  function firstOf<T>(keys: readonly string[], accept: (value: AttributeValue) => T | undefined): T | undefined {
    let found: T | undefined;
    for (const key of keys) {
      mapped.add(key);
      const value = own(key);
      if (found === undefined && value !== undefined && value !== null) found = accept(value);
    }
    return found;
  }

  return {
    has: (key) => own(key) !== undefined,
    value: (...keys) => firstOf(keys, (value) => value),
    text: (...keys) => firstOf(keys, (value) => (typeof value === "string" && value !== "" ? value : undefined)),
    number: (...keys) => firstOf(keys, numberOf),
    json: (...keys) => firstOf(keys, valueFrom),
    list(prefix) {
      const groups = new Map<number, { [key: string]: AttributeValue }>();
      const start = `${prefix}.`;
      for (const key of Object.keys(attributes)) {
        if (!key.startsWith(start)) continue;
        const match = INDEXED.exec(key.slice(start.length));
        if (match === null) continue;
        mapped.add(key);
        const index = Number(match[1]);
        const group = groups.get(index) ?? {};
        groups.set(index, group);
        group[match[2] ?? ""] = attributes[key] as AttributeValue;
      }
      return [...groups].sort(([a], [b]) => a - b).map(([, group]) => group);
    },
    rest(...prefixes) {
      const left: { [key: string]: AttributeValue } = {};
      for (const key of Object.keys(attributes)) {
        if (!mapped.has(key) && prefixes.some((prefix) => key.startsWith(prefix))) left[key] = attributes[key] as AttributeValue;
      }
      return left;
    },
  };
}

function numberOf(value: AttributeValue): number | undefined {
  const number = typeof value === "string" && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : undefined;
}

/** The object in an attribute that may be JSON text; empty when it is none. */
export function objectIn(value: AttributeValue | undefined): Attributes {
  const parsed = typeof value === "string" ? parseJson(value)?.value : value;
  return typeof parsed === "object" && parsed !== null && !Array.isArray(parsed) ? (parsed as Attributes) : {};
}
