import type { Attributes, AttributeValue } from "../raw-span.ts";
import { assign, type Budget, jsonNumber, RejectedItem } from "./decode.ts";

/** A JSON object of which nothing is known yet. */
export type Json = { readonly [key: string]: unknown };

export function objectOf(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Ids are hex text in any case, never base64. */
export function hexOf(value: unknown): string {
  return textOf(value).toLowerCase();
}

/** Nanoseconds as decimal text or number, in whole microseconds; 0 when absent. The text is cut, not computed: a double would round it. */
export function nanosAsUs(value: unknown): number {
  if (typeof value === "string" && /^\d{1,20}$/.test(value)) return Number(value.slice(0, -3) || "0");
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? Math.floor(value / 1000) : 0;
}

/** A list of KeyValue. */
export function jsonAttributes(value: unknown, budget: Budget, depth: number = budget.maxDepth): Attributes {
  const attributes: { [key: string]: AttributeValue } = {};
  for (const entry of listOf(value)) {
    budget.spend();
    const { key, value: given } = objectOf(entry);
    assign(attributes, textOf(key), jsonValue(given, budget, depth));
  }
  return attributes;
}

/** An AnyValue; an empty one is null. */
export function jsonValue(given: unknown, budget: Budget, depth: number): AttributeValue {
  const value = objectOf(given);
  if (given === undefined || given === null) return null;
  budget.spend();
  if (depth <= 0) throw new RejectedItem(`attribute nests deeper than ${budget.maxDepth} levels`);
  if (typeof value["stringValue"] === "string") return value["stringValue"];
  if (typeof value["boolValue"] === "boolean") return value["boolValue"];
  if (value["intValue"] !== undefined) return integerOf(value["intValue"]);
  if (value["doubleValue"] !== undefined) return doubleOf(value["doubleValue"]);
  if (value["arrayValue"] !== undefined) {
    return listOf(objectOf(value["arrayValue"])["values"]).map((element) => jsonValue(element, budget, depth - 1));
  }
  if (value["kvlistValue"] !== undefined) return jsonAttributes(objectOf(value["kvlistValue"])["values"], budget, depth - 1);
  return typeof value["bytesValue"] === "string" ? value["bytesValue"] : null;
}

/** 64-bit integers are decimal text; beyond 2^53 they stay text. */
function integerOf(value: unknown): AttributeValue {
  if (typeof value === "number") return jsonNumber(value);
  if (typeof value !== "string" || !/^-?\d{1,20}$/.test(value)) return null;
  const number = Number(value);
  return Number.isSafeInteger(number) ? jsonNumber(number) : value;
}

function doubleOf(value: unknown): AttributeValue {
  if (typeof value === "number") return jsonNumber(value);
  // "NaN", "Infinity" and "-Infinity" are how protobuf's JSON mapping writes them.
  return typeof value === "string" && value !== "" ? jsonNumber(Number(value)) : null;
}
