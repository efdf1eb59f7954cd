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

const FEW_KEYS = 32;
const INDEXED = /^(\d{1,6})(?:\.(.+))?$/;

export function createAttributeReader(attributes: Attributes): AttributeReader {
  return new Reader(attributes);
}

// A class, and no set before one is needed: seven dialects make a reader for every span only to see that it does not speak theirs.
class Reader implements AttributeReader {
  private readonly attributes: Attributes;
  private readonly mapped: string[] = [];

  constructor(attributes: Attributes) {
    this.attributes = attributes;
  }

  has(key: string): boolean {
    return this.own(key) !== undefined;
  }

  value(...keys: readonly string[]): AttributeValue | undefined {
    return this.firstOf(keys, (value) => value);
  }

  text(...keys: readonly string[]): string | undefined {
    return this.firstOf(keys, (value) => (typeof value === "string" && value !== "" ? value : undefined));
  }

  number(...keys: readonly string[]): number | undefined {
    return this.firstOf(keys, numberOf);
  }

  json(...keys: readonly string[]): AttributeValue | undefined {
    return this.firstOf(keys, valueFrom);
  }

  list(prefix: string): readonly Attributes[] {
    const groups = new Map<number, { [key: string]: AttributeValue }>();
    const start = `${prefix}.`;
    for (const key of Object.keys(this.attributes)) {
      if (!key.startsWith(start)) continue;
      const match = INDEXED.exec(key.slice(start.length));
      if (match === null) continue;
      this.mapped.push(key);
      const index = Number(match[1]);
      const group = groups.get(index) ?? {};
      groups.set(index, group);
      group[match[2] ?? ""] = this.attributes[key] as AttributeValue;
    }
    return [...groups].sort(([a], [b]) => a - b).map(([, group]) => group);
  }

  rest(...prefixes: readonly string[]): Attributes {
    const left: { [key: string]: AttributeValue } = {};
    const keys = Object.keys(this.attributes).filter((key) => prefixes.some((prefix) => key.startsWith(prefix)));
    // A set of all that was asked for pays only where much is looked up in it: filling it was half of this for a span of 20 attributes.
    const mapped = keys.length > FEW_KEYS ? new Set(this.mapped) : undefined;
    for (const key of keys) {
      if (!(mapped?.has(key) ?? this.mapped.includes(key))) left[key] = this.attributes[key] as AttributeValue;
    }
    return left;
  }

  private own(key: string): AttributeValue | undefined {
    return Object.hasOwn(this.attributes, key) ? this.attributes[key] : undefined;
  }

  private firstOf<T>(keys: readonly string[], accept: (value: AttributeValue) => T | undefined): T | undefined {
    let found: T | undefined;
    for (const key of keys) {
      this.mapped.push(key);
      const value = this.own(key);
      if (found === undefined && value !== undefined && value !== null) found = accept(value);
    }
    return found;
  }
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
