import { type Context, propagation, ROOT_CONTEXT } from "@opentelemetry/api";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { describe, expect, test } from "vitest";
import { entriesOf } from "../../../src/agent/baggage.ts";
import { createExposureLedger, withRun } from "../../../src/agent/run-context.ts";
import { createStamp } from "../../../src/agent/stamp.ts";

const DRAW = { seed: "conversation-1", arm: "knowledge", items: ["item-a", "item-b"], more: 0 } as const;
const SECRET = "a secret of this test";

/** Attributes of a span of a real SDK that was started under this baggage. */
function stamped(
  attributes: Record<string, string>,
  entries: readonly (readonly [string, string])[],
  policy = { enabled: true } as object,
  tenant?: string,
) {
  const exporter = new InMemorySpanExporter();
  const stamp = createStamp({ enabled: true, ...policy }, tenant);
  const onStart = (span: object, scope: Context) => stamp(span, scope);
  const stamping = { onStart, onEnd: () => {}, forceFlush: async () => {}, shutdown: async () => {} };
  const provider = new BasicTracerProvider({ spanProcessors: [stamping, new SimpleSpanProcessor(exporter)] });
  const baggage = propagation.createBaggage(Object.fromEntries(entries.map(([key, value]) => [key, { value }])));
  provider.getTracer("t").startSpan("span", { attributes }, propagation.setBaggage(ROOT_CONTEXT, baggage)).end();
  return exporter.getFinishedSpans()[0]?.attributes;
}

const GENAI = { "gen_ai.operation.name": "chat" };
const OURS = {
  "agentlearn.baggage.seed": "conversation-1",
  "agentlearn.baggage.arm": "knowledge",
  "agentlearn.baggage.items": ["item-a", "item-b"],
};

describe("the stamp of the span processor", () => {
  test("writes what baggage says of the draw, and nothing else that travels in it", () => {
    const entries = [...entriesOf(DRAW, { enabled: true }), ["user.id", "u-1"], ["agentlearn.knowledge.given", "item-x"]] as const;
    expect(stamped(GENAI, entries)).toEqual({ ...GENAI, ...OURS });
  });

  test("leaves alone spans that are not GenAI, and all where there is no draw", () => {
    expect(stamped({ "http.method": "GET" }, entriesOf(DRAW, { enabled: true }))).toEqual({ "http.method": "GET" });
    expect(stamped(GENAI, [["user.id", "u-1"]])).toEqual(GENAI);
  });

  test("with a secret believes what is signed only, and off believes nothing", () => {
    expect(stamped(GENAI, entriesOf(DRAW, { enabled: true, secret: SECRET }), { secret: SECRET })).toEqual({ ...GENAI, ...OURS });
    expect(stamped(GENAI, entriesOf(DRAW, { enabled: true }), { secret: SECRET })).toEqual(GENAI);
    expect(stamped(GENAI, entriesOf(DRAW, { enabled: true }), { enabled: false })).toEqual(GENAI);
  });

  // By it lessons stay with the tenant they were mined from; a span that says it itself knows better than the process.
  test("says whom the process works for, and whom the run works for before that", () => {
    expect(stamped(GENAI, [], {}, "acme")).toEqual({ ...GENAI, "agentlearn.tenant": "acme" });
    const run = { traceId: "t", tenant: "beta", exposures: createExposureLedger() };
    expect(withRun(run, () => stamped(GENAI, [], {}, "acme"))).toEqual({ ...GENAI, "agentlearn.tenant": "beta" });
    expect(withRun({ ...run, tenant: "" }, () => stamped(GENAI, [], {}, "acme"))).toEqual(GENAI);
    expect(stamped({ "http.method": "GET" }, [], {}, "acme")).toEqual({ "http.method": "GET" });
    expect(stamped({ ...GENAI, "tenant.id": "own" }, [], {}, "acme")).toEqual({ ...GENAI, "tenant.id": "own" });
  });

  test("takes no tenant from baggage", () => {
    const forged = ["tenant", "tenant.id", "agentlearn.tenant"].map((key) => [key, "acme"] as const);
    expect(stamped(GENAI, [...entriesOf(DRAW, { enabled: true }), ...forged])).toEqual({ ...GENAI, ...OURS });
  });
});
