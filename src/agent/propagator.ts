import { type Baggage, baggageEntryMetadataFromString, type Context, context, propagation } from "@opentelemetry/api";
import type { Reporter } from "../telemetry/report.ts";
import { isTracingSuppressed } from "../telemetry/suppress.ts";
import { type BaggagePolicy, ENTRY_PREFIX, entriesOf, headerOf } from "./baggage.ts";
import { currentRun, ledgersFor } from "./run-context.ts";

/** Fits TextMapPropagator of @opentelemetry/api. No method throws. */
export interface PropagatorLike {
  inject<Carrier>(scope: Context, carrier: Carrier, setter: { set(carrier: Carrier, key: string, value: string): void }): void;
  extract<Carrier>(
    scope: Context,
    carrier: Carrier,
    getter: { get(carrier: Carrier, key: string): undefined | string | string[]; keys(carrier: Carrier): string[] },
  ): Context;
  fields(): string[];
}

const HEADER = "baggage";
/** What W3C asks everyone to take at least. */
const MAX_HEADER_BYTES = 8_192;
const MAX_ENTRIES = 180;

/**
 * W3C baggage as the standard propagator writes and reads it, with our entries in it as they stand at the moment of the call. It carries everything that
 * one carries, so it may stand in its place or behind it.
 */
export function createPropagator({ enabled }: Pick<BaggagePolicy, "enabled">, reporter: Reporter): PropagatorLike {
  return {
    inject(scope, carrier, setter) {
      try {
        if (isTracingSuppressed(scope)) return;
        const header = headerFor(enabled ? ownBaggage(scope) : withoutOurs(propagation.getBaggage(scope)));
        if (header !== "") setter.set(carrier, HEADER, header);
      } catch (caught) {
        reporter.failure("could not write baggage", caught);
      }
    },
    extract(scope, carrier, getter) {
      try {
        const said = getter.get(carrier, HEADER);
        const read = parse(Array.isArray(said) ? said.join(",") : (said ?? ""), propagation.getBaggage(scope));
        const baggage = enabled ? read : withoutOurs(read);
        return baggage === undefined ? scope : propagation.setBaggage(scope, baggage);
      } catch (caught) {
        reporter.failure("could not read baggage", caught);
        return scope;
      }
    },
    fields: () => [HEADER],
  };
}

/** Runs `fn` so that the standard baggage propagator too carries what the run was given by now. Returns and throws what it does. */
export function withOwnBaggage<T>(fn: () => T): T {
  const baggage = ownBaggage(context.active());
  return baggage === undefined ? fn() : context.with(propagation.setBaggage(context.active(), baggage), fn);
}

/** The baggage of a context with the draw of its run in it; what an agent above said stays where this one drew nothing. */
function ownBaggage(scope: Context): Baggage | undefined {
  const said = propagation.getBaggage(scope);
  // What a candidate does while it is tested must not reach the draws of live agents.
  if (currentRun()?.fixedText !== undefined) return withoutOurs(said);
  const ledger = ledgersFor(scope).find(({ draw }) => draw !== undefined);
  if (ledger?.draw === undefined) return said;
  const { seed, policy, above, more } = ledger.draw;
  const total = ledger.total();
  const tried = total?.canary?.member === true ? total.canary.ids : [];
  const items = [...new Set([...(total?.given ?? []), ...tried, ...above])];
  let baggage = withoutOurs(said) ?? propagation.createBaggage();
  for (const [key, value] of entriesOf({ seed, arm: total?.arm ?? "knowledge", items, more }, policy)) {
    baggage = baggage.setEntry(key, { value });
  }
  return baggage;
}

function withoutOurs(baggage: Baggage | undefined): Baggage | undefined {
  const ours = (baggage?.getAllEntries() ?? []).flatMap(([key]) => (key.startsWith(ENTRY_PREFIX) ? [key] : []));
  return ours.length === 0 ? baggage : baggage?.removeEntries(...ours);
}

/** Ours first, since what is over the limits is left out whole. */
function headerFor(baggage: Baggage | undefined): string {
  const isOurs = ([key]: readonly [string, unknown]): number => (key.startsWith(ENTRY_PREFIX) ? 0 : 1);
  const entries = [...(baggage?.getAllEntries() ?? [])].sort((a, b) => isOurs(a) - isOurs(b)).slice(0, MAX_ENTRIES);
  let header = "";
  for (const [key, { value, metadata }] of entries) {
    const member = `${headerOf([[key, value]])}${metadata === undefined ? "" : `;${metadata.toString()}`}`;
    const longer = header === "" ? member : `${header},${member}`;
    if (longer.length <= MAX_HEADER_BYTES) header = longer;
  }
  return header;
}

/** Members that are none are passed over. Undefined when there was no baggage and still is none. */
function parse(header: string, known: Baggage | undefined): Baggage | undefined {
  let baggage = known;
  for (const member of header.slice(0, MAX_HEADER_BYTES).split(",").slice(0, MAX_ENTRIES)) {
    const [pair = "", ...properties] = member.split(";");
    const at = pair.indexOf("=");
    const [key, value] = [decoded(pair.slice(0, at).trim()), decoded(pair.slice(at + 1).trim())];
    if (at < 1 || key === undefined || key === "" || value === undefined) continue;
    const metadata = properties.length === 0 ? {} : { metadata: baggageEntryMetadataFromString(properties.join(";")) };
    baggage = (baggage ?? propagation.createBaggage()).setEntry(key, { value, ...metadata });
  }
  return baggage;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
