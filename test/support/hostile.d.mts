import type { SpanContextLike } from "../../src/span/sdk-shapes.ts";

export const VALUE_NAMES: readonly string[];
export const LIGHT_NAMES: readonly string[];
export const HEAVY_NAMES: readonly string[];
export const SPAN_FIELDS: readonly string[];
export const LOG_FIELDS: readonly string[];
export const WRAPPING_NAMES: readonly string[];
export const PLANTING_COUNT: number;
export function value(name: string): unknown;
export function soundSpan(context: SpanContextLike): object;
export function soundLog(context: SpanContextLike): object;
export function made(object: object, planted: readonly (readonly [string, string, number])[], wrapping?: string): unknown;
