import { describe, expect, test } from "vitest";
import { normalise } from "../../../src/span/normalise.ts";
import type { Attributes, RawLog, RawSpan } from "../../../src/span/raw-span.ts";
import { IGNORED } from "./ignored-attributes.ts";
import { batchOf, logsOf, OTLP_PAYLOADS } from "./payloads.ts";

/** A span with its logs: all that one normalised span is made of. */
interface Told {
  readonly span: RawSpan;
  readonly logs: readonly RawLog[];
}

/** Where an attribute stands: `<where> | <key>`, indices in keys replaced by N. */
type Where = string;

const whereOf = (on: string, key: string): Where => `${on} | ${key.replaceAll(/\.\d+(?=\.|$)/g, ".N")}`;

const told: readonly (Told & { readonly payload: string })[] = OTLP_PAYLOADS.flatMap((payload) => {
  const { spans, logs } = batchOf(payload);
  return spans.map((span) => ({ payload, span, logs: logsOf(span, logs) }));
});

/** The same without every attribute (and named field) that is not kept. */
function only({ span, logs }: Told, keep: (where: Where, exactly: string) => boolean): Told {
  const left = (on: string, attributes: Attributes): Attributes =>
    Object.fromEntries(Object.entries(attributes).filter(([key]) => keep(whereOf(on, key), `${on} | ${key}`)));
  const { message, ...status } = span.status;
  return {
    span: {
      ...span,
      attributes: left("span", span.attributes),
      resource: left("resource", span.resource),
      events: span.events.map((event) => ({ ...event, attributes: left(`event ${event.name}`, event.attributes) })),
      status: message !== undefined && keep("status | message", "status | message") ? { ...status, message } : status,
    },
    logs: logs.map(({ eventName, ...log }) => {
      const on = `log ${eventName ?? log.attributes["event.name"] ?? ""}`;
      const named = eventName !== undefined && keep(`${on} | eventName`, `${on} | eventName`);
      return { ...log, attributes: left(on, log.attributes), ...(named ? { eventName } : {}) };
    }),
  };
}

const printed = ({ span, logs }: Told): string => JSON.stringify(normalise(span, logs));

/** Every attribute of a span and its logs, exactly as it is keyed. */
function attributesOf(one: Told): readonly (readonly [where: Where, exactly: string])[] {
  const seen = new Map<string, Where>();
  only(one, (where, exactly) => {
    if (where !== "status | message" && !where.endsWith("| eventName")) seen.set(exactly, where);
    return true;
  });
  return [...seen].map(([exactly, where]) => [where, exactly] as const);
}

/** True where the span comes out as another one without the attribute. Traces are assembled from nothing else than such spans. */
function matters(one: Told, exactly: string): boolean {
  return printed(only(one, (_where, at) => at !== exactly)) !== printed(one);
}

/** `<scope> | <where> | <key>` of every recorded attribute, and whether it matters on any span of its scope. */
function places(): ReadonlyMap<string, boolean> {
  const found = new Map<string, boolean>();
  for (const one of told) {
    for (const [where, exactly] of attributesOf(one)) {
      const place = `${one.span.scope.name} | ${where}`;
      if (found.get(place) !== true) found.set(place, matters(one, exactly));
    }
  }
  return found;
}

const PLACES = places();
const homeless = [...PLACES].filter(([, mapped]) => !mapped).map(([place]) => place);

describe("recorded attributes", () => {
  test("are mapped, kept as metadata or ignored for a reason", () => {
    expect(homeless.filter((place) => !IGNORED.some((ignored) => ignored.place.test(place)))).toEqual([]);
  });

  test("are hundreds, and most are mapped", () => {
    expect([PLACES.size > 150, homeless.length < PLACES.size / 2]).toEqual([true, true]);
  });

  test("that are ignored for a reason exist and make no difference", () => {
    expect(IGNORED.filter(({ place }) => !homeless.some((found) => place.test(found))).map(({ place }) => place.source)).toEqual([]);
  });

  test.each(IGNORED.filter(({ repeats }) => repeats !== undefined))(
    "that repeat others make a difference without them: $reason",
    ({ place, repeats }) => {
      const pattern = repeats ?? /$^/;
      const claimed = homeless.filter((found) => place.test(found));
      const proven = new Set<string>();
      for (const one of told) {
        for (const [where, exactly] of attributesOf(one)) {
          const found = `${one.span.scope.name} | ${where}`;
          if (!claimed.includes(found) || proven.has(found)) continue;
          const alone = only(one, (other, at) => at === exactly || !pattern.test(other));
          if (matters(alone, exactly)) proven.add(found);
        }
      }
      expect(claimed.filter((found) => !proven.has(found))).toEqual([]);
    },
  );
});
