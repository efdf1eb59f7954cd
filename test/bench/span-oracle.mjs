import { createHash } from "node:crypto";
import { isProperRefusal } from "./otlp-clients.mjs";
import { readStoredSpans } from "./stored-spans.mjs";

/** The attribute whose value must come back as it was sent. */
export const PAYLOAD = "gen_ai.input.messages";

/** Keeps outside of the process under test what was sent and what was acknowledged, and judges the store by it. */
export function createOracle() {
  const sent = new Map();
  const acknowledged = new Set();
  const others = new Map();
  const improper = [];
  return {
    sent({ spans }) {
      for (const { key, fingerprint } of spans) sent.set(key, fingerprint);
    },
    answered({ spans }, answer) {
      const { kind, transport, code, retryAfterSeconds } = answer;
      if (kind === "refused" && !isProperRefusal(answer)) improper.push(`${transport} ${code}, retry after ${retryAfterSeconds} s`);
      if (kind === "acknowledged") for (const { key } of spans) acknowledged.add(key);
      else {
        const what = kind === "refused" ? `refused with ${transport} ${code}` : `${kind} over ${transport}`;
        others.set(what, (others.get(what) ?? 0) + 1);
      }
    },
    acknowledged: () => acknowledged.size,
    /** Reads a store that nobody owns: what was acknowledged and is not there, is there with another payload, or was never sent. */
    async judge(file) {
      const stored = await readStoredSpans(file);
      const found = new Map(stored.map((span) => [keyOf(span), fingerprintOf(span.attributes[PAYLOAD])]));
      return {
        acknowledged: acknowledged.size,
        stored: found.size,
        others: [...others].map(([what, count]) => `${count} ${what}`).join(", "),
        improper,
        lost: [...acknowledged].filter((key) => !found.has(key)).length,
        altered: [...found].filter(([key, fingerprint]) => sent.has(key) && sent.get(key) !== fingerprint).length,
        invented: [...found.keys()].filter((key) => !sent.has(key)).length + (stored.length - found.size),
      };
    },
  };
}

export function keyOf({ traceId, spanId }) {
  return `${traceId}/${spanId}`;
}

export function fingerprintOf(text) {
  return createHash("sha256").update(String(text)).digest("base64url").slice(0, 16);
}

/** The three rows of a judgement. `trials`: what each of the faults is called and how many there were, for the bound. */
export function judgementRows({ acknowledged, stored, lost, altered, invented }, { count, what }) {
  // Zero of n is no proof of never: with 95 % confidence the rate is below 3/n. The faults are the trials, the spans hang together.
  const bounded = (value, n) => ({ value, n, ...(value === 0 ? { spread: `3/n = ${short(3 / n)}` } : {}) });
  return [
    {
      ...bounded(lost, acknowledged),
      note: `acknowledged and not in the store, ${count} ${what}s (3/n = ${short(3 / count)} per ${what})`,
    },
    { part: "altered", ...bounded(altered, stored), note: "in the store with another payload than was sent" },
    { part: "invented", ...bounded(invented, stored), note: "in the store, never sent or twice" },
  ];
}

function short(value) {
  return Number(value.toPrecision(2));
}

/** Refusals that would make a client drop its spans, or come back too early or too late. */
export function refusalRow({ improper }, n) {
  return {
    part: "improper",
    value: improper.length,
    unit: "refusals",
    n,
    note: [...new Set(improper)].join("; ") || "every refusal says: again in 1 to 2 s",
  };
}
