import type { Attributes, AttributeValue } from "./raw-span.ts";

export interface CopyOptions {
  /** Longer strings are cut, in UTF-16 units. Default 1,048,576. */
  readonly maxTextLength?: number;
  /** Text of all values and keys together, in UTF-16 units; what is beyond is left out. Default 4,194,304. */
  readonly maxTotalLength?: number;
  /** Deeper values are left out. Default 32. */
  readonly maxDepth?: number;
  /** Values copied in one go; what is beyond is left out. Default 65,536. */
  readonly maxValues?: number;
}

/** Copies what live, foreign objects hold into plain data. Never throws; what cannot be data is left out. */
export interface Copier {
  /** `undefined` for what is left out: functions, symbols, cycles, too deep or too much. */
  value(value: unknown): AttributeValue | undefined;
  attributes(value: unknown): Attributes;
  text(value: string): string;
  /** UTF-16 units of text copied so far. */
  length(): number;
}

export function createCopier(options: CopyOptions = {}): Copier {
  const { maxTextLength = 1_048_576, maxTotalLength = 4_194_304, maxDepth = 32, maxValues = 65_536 } = options;
  let left = maxValues;
  let leftLength = maxTotalLength;
  // The path from the root: what is on it again is a cycle.
  const path: object[] = [];

  function text(value: string): string {
    const max = Math.min(maxTextLength, leftLength);
    const kept = value.length <= max ? value : cut(value, max);
    leftLength -= kept.length;
    return kept;
  }

  function copy(value: unknown): AttributeValue | undefined {
    if (left <= 0) return undefined;
    left -= 1;
    switch (typeof value) {
      case "string":
        return leftLength > 0 ? text(value) : undefined;
      case "number":
        return Number.isFinite(value) ? value : String(value);
      case "boolean":
        return value;
      case "bigint":
        return bigintText(value);
      case "object":
        return value === null ? null : copyObject(value);
      default:
        return undefined;
    }
  }

  function copyObject(value: object): AttributeValue | undefined {
    if (path.length >= maxDepth || path.includes(value)) return undefined;
    path.push(value);
    try {
      if (Array.isArray(value)) return copyList(value);
      if (value instanceof Date) return dateText(value);
      if (value instanceof Uint8Array) return copy(bytesText(value, Math.min(maxTextLength, leftLength)));
      if (ArrayBuffer.isView(value)) return copyList(value as unknown as ArrayLike<unknown>);
      if (value instanceof String || value instanceof Number || value instanceof Boolean) return copy(value.valueOf());
      if (value instanceof Error) return copy(errorText(value));
      return copyFields(value);
    } catch {
      // A Proxy or a getter of the host threw.
      return undefined;
    } finally {
      path.pop();
    }
  }

  function copyList(list: ArrayLike<unknown>): readonly AttributeValue[] {
    const copied: AttributeValue[] = [];
    // Stops with the budget: `new Array(2 ** 32 - 1)` is one short line of host code.
    for (let index = 0; index < list.length && left > 0; index++) copied.push(copy(list[index]) ?? null);
    return copied;
  }

  function copyFields(value: object): Attributes {
    const copied: { [key: string]: AttributeValue } = {};
    for (const key of Object.keys(value)) {
      if (left <= 0 || leftLength <= 0) break;
      const field = copyField(value, key);
      if (field === undefined) continue;
      if (key === "__proto__") Object.defineProperty(copied, key, { value: field, enumerable: true, configurable: true, writable: true });
      else copied[text(key)] = field;
    }
    return copied;
  }

  /** One throwing getter costs its own field only. */
  function copyField(value: object, key: string): AttributeValue | undefined {
    try {
      return copy((value as { readonly [key: string]: unknown })[key]);
    } catch {
      return undefined;
    }
  }

  return {
    value: copy,
    text,
    length: () => maxTotalLength - leftLength,
    attributes(value) {
      const copied = typeof value === "object" && value !== null && !Array.isArray(value) ? copyObject(value) : undefined;
      return typeof copied === "object" && copied !== null && !Array.isArray(copied) ? (copied as Attributes) : {};
    },
  };
}

/** At most `max` UTF-16 units; half a surrogate pair is no Unicode text. */
function cut(value: string, max: number): string {
  const last = value.charCodeAt(max - 1);
  return value.slice(0, last >= 0xd800 && last <= 0xdbff ? max - 1 : max);
}

// Methods are those of the language and not the value's own: what `value.toISOString()` returns is up to whoever made the value.
function dateText(value: Date): string {
  const ms = Date.prototype.getTime.call(value);
  return Number.isNaN(ms) ? "Invalid Date" : new Date(ms).toISOString();
}

/** Base64 of as many of the first bytes as fit into `max` characters. */
function bytesText(value: Uint8Array, max: number): string {
  const bytes = Uint8Array.prototype.subarray.call(value, 0, Math.floor(max / 4) * 3);
  return Buffer.from(bytes).toString("base64");
}

function errorText({ name, message }: Error): string | undefined {
  return typeof message === "string" ? `${typeof name === "string" ? name : "Error"}: ${message}` : undefined;
}

/** 64-bit integers as in OTLP; turning a larger one into text takes time that grows with its square. */
function bigintText(value: bigint): AttributeValue | undefined {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  return BigInt.asIntN(64, value) === value || BigInt.asUintN(64, value) === value ? value.toString() : undefined;
}
