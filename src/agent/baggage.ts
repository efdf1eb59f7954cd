import { createHmac, timingSafeEqual } from "node:crypto";
import { type Baggage, type Context, propagation } from "@opentelemetry/api";

/** What an agent tells those it calls about the draw of the request they work for. */
export interface RequestDraw {
  /** What the draws hang on, so that everyone who works for the request draws alike. */
  readonly seed: string;
  readonly arm: "knowledge" | "control";
  /** Ids of the items that were given so far, the nearest agent's first. */
  readonly items: readonly string[];
  /** Ids that did not fit. */
  readonly more: number;
}

export interface BaggagePolicy {
  readonly enabled: boolean;
  /** Signs what goes out; then what comes in and is not signed with it is ignored. */
  readonly secret?: string;
}

/** All our entries begin with it. */
export const ENTRY_PREFIX = "agentlearn.";
const SEED = "agentlearn.seed";
const ARM = "agentlearn.arm";
const ITEMS = "agentlearn.items";
const SIGNATURE = "agentlearn.sig";

/** As they stand in the header. Others' entries share its 8 KiB, and proxies cut earlier. */
const MAX_BYTES = 1_000;
const MAX_SEED_CHARACTERS = 200;
/** Not escaped in baggage, and in no id that we make. */
const BETWEEN_IDS = "~";
/** Opens the last part when ids were left out, before their number. */
const LEFT_OUT = "*";
/** Of HMAC-SHA256 in base64url. */
const SIGNATURE_SHAPE = /^[\w-]{43}$/;
const PLAIN_ID = /^[\w:.-]{1,64}$/;
// Controls, and halves of surrogate pairs, which can't be percent-encoded.
const UNFIT = /[\p{Cc}\p{Cs}]/u;

/** The entries of baggage for a draw, at most 1,000 bytes as sent: ids are left out whole, and counted, where there is no room. Empty where the seed alone does not fit. */
export function entriesOf(draw: RequestDraw, { enabled, secret }: BaggagePolicy): readonly (readonly [key: string, value: string])[] {
  if (!enabled || !isSeed(draw.seed)) return [];
  const ids = draw.items.filter((id) => PLAIN_ID.test(id));
  const ahead = draw.more + draw.items.length - ids.length;
  for (let kept = ids.length; kept >= 0; kept -= 1) {
    const more = ahead + ids.length - kept;
    const items = [...ids.slice(0, kept), ...(more === 0 ? [] : [`${LEFT_OUT}${more}`])].join(BETWEEN_IDS);
    const entries: [string, string][] = [
      [SEED, draw.seed],
      [ARM, draw.arm],
      [ITEMS, items],
    ];
    if (secret !== undefined) entries.push([SIGNATURE, signature(entries, secret)]);
    if (headerOf(entries).length <= MAX_BYTES) return entries;
  }
  return [];
}

/** Reads baggage of a context. What it says is a hint of somebody outside: undefined where it is missing, misshapen, or not signed as it has to be. */
export function createDrawReader({ enabled, secret }: BaggagePolicy): (context: Context) => RequestDraw | undefined {
  // A baggage never changes; every span of a request asks about the same one.
  const known = new WeakMap<Baggage, { readonly draw: RequestDraw | undefined }>();
  return (context) => {
    const baggage = enabled ? propagation.getBaggage(context) : undefined;
    if (baggage === undefined) return undefined;
    const answer = known.get(baggage) ?? { draw: drawIn(baggage, secret) };
    known.set(baggage, answer);
    return answer.draw;
  };
}

/** As it stands in the header `baggage`. */
export function headerOf(entries: readonly (readonly [key: string, value: string])[]): string {
  return entries.map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`).join(",");
}

function drawIn(baggage: Baggage, secret: string | undefined): RequestDraw | undefined {
  const [seed, arm, items = ""] = [SEED, ARM, ITEMS].map((key) => baggage.getEntry(key)?.value);
  if (seed === undefined || !isSeed(seed) || (arm !== "knowledge" && arm !== "control") || items.length > MAX_BYTES) return undefined;
  const said = baggage.getEntry(SIGNATURE)?.value ?? "";
  const entries = [[SEED, seed] as const, [ARM, arm] as const, [ITEMS, items] as const];
  if (secret !== undefined && !isSigned(said, signature(entries, secret))) return undefined;
  const parts = items.split(BETWEEN_IDS).filter((part) => part !== "");
  const last = /^\*(\d{1,6})$/.exec(parts.at(-1) ?? "")?.[1];
  return { seed, arm, items: parts.filter((part) => PLAIN_ID.test(part)), more: last === undefined ? 0 : Number(last) };
}

function isSeed(seed: string): boolean {
  return seed.trim() !== "" && seed.length <= MAX_SEED_CHARACTERS && !UNFIT.test(seed);
}

function signature(entries: readonly (readonly [string, string])[], secret: string): string {
  return createHmac("sha256", secret).update(JSON.stringify(entries)).digest("base64url");
}

/** In a time that does not tell how much of it was right. */
function isSigned(said: string, right: string): boolean {
  return SIGNATURE_SHAPE.test(said) && timingSafeEqual(Buffer.from(said), Buffer.from(right));
}
