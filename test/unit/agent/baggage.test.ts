import { defaultTextMapGetter, defaultTextMapSetter, propagation, ROOT_CONTEXT } from "@opentelemetry/api";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createDrawReader, entriesOf, headerOf, type RequestDraw } from "../../../src/agent/baggage.ts";
import { createPropagator } from "../../../src/agent/propagator.ts";
import { createReporter } from "../../../src/telemetry/report.ts";

const SECRET = "a secret of this test";
const draw = (overrides: Partial<RequestDraw> = {}): RequestDraw => ({
  seed: "conversation-1",
  arm: "knowledge",
  items: ["8a9f4e2b-0000-4000-8000-000000000001"],
  more: 0,
  ...overrides,
});
const contextOf = (entries: readonly (readonly [string, string])[]) =>
  propagation.setBaggage(ROOT_CONTEXT, propagation.createBaggage(Object.fromEntries(entries.map(([key, value]) => [key, { value }]))));
/** What a reader makes of what a writer wrote, over the header. */
function overTheWire(sent: RequestDraw, writer: { secret?: string } = {}, reader: { secret?: string } = {}): RequestDraw | undefined {
  const propagator = createPropagator({ enabled: true }, createReporter("test"));
  const carrier: Record<string, string> = {};
  propagator.inject(contextOf(entriesOf(sent, { enabled: true, ...writer })), carrier, defaultTextMapSetter);
  return createDrawReader({ enabled: true, ...reader })(propagator.extract(ROOT_CONTEXT, carrier, defaultTextMapGetter));
}

describe("the draw in baggage", () => {
  test("comes over the wire as it was sent, whatever the seed says", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }), fc.constantFrom("knowledge", "control"), (seed, arm) => {
        const sent = draw({ seed, arm });
        const fits = entriesOf(sent, { enabled: true }).length > 0;
        expect(overTheWire(sent)).toEqual(fits ? sent : undefined);
      }),
    );
  });

  test("stays below 1 KB, leaves ids out whole, and says how many", () => {
    const items = Array.from({ length: 60 }, (_, index) => `8a9f4e2b-0000-4000-8000-${String(index).padStart(12, "0")}`);
    for (const secret of [undefined, SECRET]) {
      const sent = draw({ items, more: 3 });
      const policy = { enabled: true, ...(secret === undefined ? {} : { secret }) };
      expect(headerOf(entriesOf(sent, policy)).length).toBeLessThanOrEqual(1_000);
      const read = overTheWire(sent, policy, policy) ?? expect.unreachable();
      expect(read.items.length).toBeGreaterThan(20);
      expect(read.items).toEqual(items.slice(0, read.items.length));
      expect(read.items.length + read.more).toBe(63);
    }
  });

  test.each([
    ["too long", "x".repeat(201)],
    ["blank", "  "],
    ["full of controls", "a\u0000b"],
    ["half a character", "\ud800"],
    ["long once it is escaped", "語".repeat(200)],
  ])("is not sent when the seed is %s", (_why, seed) => {
    expect(entriesOf(draw({ seed }), { enabled: true })).toEqual([]);
  });

  test("is not sent, and not read, when switched off", () => {
    expect(entriesOf(draw(), { enabled: false })).toEqual([]);
    expect(createDrawReader({ enabled: false })(contextOf(entriesOf(draw(), { enabled: true })))).toBeUndefined();
  });

  test("with a secret is believed only when signed with the same", () => {
    expect(overTheWire(draw(), { secret: SECRET }, { secret: SECRET })).toEqual(draw());
    expect(overTheWire(draw(), {}, { secret: SECRET })).toBeUndefined();
    expect(overTheWire(draw(), { secret: `${SECRET}!` }, { secret: SECRET })).toBeUndefined();
  });

  test.each([
    ["agentlearn.seed", "conversation-2"],
    ["agentlearn.arm", "control"],
    ["agentlearn.items", "another"],
    ["agentlearn.sig", "é".repeat(43)],
    ["agentlearn.sig", ""],
  ])("with a secret is not believed once %s was changed to %s", (key, value) => {
    const entries = entriesOf(draw(), { enabled: true, secret: SECRET }).map(
      ([name, said]) => [name, name === key ? value : said] as const,
    );
    expect(createDrawReader({ enabled: true, secret: SECRET })(contextOf(entries))).toBeUndefined();
  });

  test("is nothing that could break anything, whatever stands in the header", () => {
    const propagator = createPropagator({ enabled: true }, createReporter("test"));
    const part = fc.oneof(
      fc.string(),
      fc.constantFrom("agentlearn.seed=a", "agentlearn.arm=control", "agentlearn.items=~*9~%", "=", "%zz=1", ";"),
    );
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const read = createDrawReader({ enabled: true })(
          propagator.extract(ROOT_CONTEXT, { baggage: parts.join(",") }, defaultTextMapGetter),
        );
        for (const id of read?.items ?? []) expect(id).toMatch(/^[\w:.-]{1,64}$/);
      }),
    );
  });
});
