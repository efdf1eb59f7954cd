/**
 * An application of agent.passthrough in a process of its own: argv[2] is JSON { store, rounds, spansPerTurn, turns, seed }. Ends HTTP spans, which have
 * nothing to do with GenAI, through three providers of the real SDK that differ in their span processor only, in turns of a few milliseconds in a new
 * order each: a change of clock, or what a neighbour does to the caches, then hits all alike. Prints one JSON line: spans per second of each, round by
 * round, in seconds of the process's CPU: the loop does nothing but end spans, and the time in which a neighbour ran instead is nobody's.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { context, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BasicTracerProvider } from "@opentelemetry/sdk-trace-base";
import { createRandom, shuffled } from "./statistics.mjs";
import { builtModule } from "./stored-spans.mjs";

const options = JSON.parse(process.argv[2]);
const random = createRandom(options.seed);
const { AgentLearnSpanProcessor } = await builtModule("src/index.js");

/** What any processor costs, one that does nothing included: the SDK calls it through a list. */
const idle = { onStart() {}, onEnd() {}, forceFlush: async () => {}, shutdown: async () => {} };
const processors = { none: [], idle: [idle], ours: [new AgentLearnSpanProcessor({ store: `file:${options.store}` })] };
const resource = resourceFromAttributes({ "service.name": "figures" });
const providers = Object.fromEntries(
  Object.entries(processors).map(([variant, spanProcessors]) => [variant, new BasicTracerProvider({ resource, spanProcessors })]),
);
const variants = Object.keys(processors);
const tracers = Object.fromEntries(variants.map((variant) => [variant, providers[variant].getTracer("figures")]));

// The compiler's work belongs to nobody.
for (const variant of [...variants, ...variants]) takeTurn(tracers[variant], 10 * options.spansPerTurn);
const rounds = [];
for (let round = 0; round < options.rounds; round += 1) rounds.push(await measureRound());
process.stdout.write(`${JSON.stringify(rounds)}\n`);
await Promise.all(variants.map((variant) => providers[variant].shutdown()));
process.exit(0);

async function measureRound() {
  const spentUs = Object.fromEntries(variants.map((variant) => [variant, 0]));
  for (let turn = 0; turn < options.turns; turn += 1) {
    for (const variant of shuffled(variants, random)) {
      const began = process.cpuUsage();
      takeTurn(tracers[variant], options.spansPerTurn);
      const { user, system } = process.cpuUsage(began);
      spentUs[variant] += user + system;
    }
    await nextTurn();
  }
  const spans = options.turns * options.spansPerTurn;
  return Object.fromEntries(variants.map((variant) => [variant, spans / (spentUs[variant] / 1_000_000)]));
}

/** A request that is served and, inside it, one to a database: what an HTTP server's instrumentations make. */
function takeTurn(tracer, spans) {
  for (let count = 0; count < spans; count += 2) {
    const server = tracer.startSpan("GET /orders/:id", {
      kind: SpanKind.SERVER,
      attributes: {
        "http.request.method": "GET",
        "url.path": `/orders/${count}`,
        "url.scheme": "https",
        "server.address": "shop.example",
        "server.port": 443,
        "client.address": "192.0.2.7",
        "user_agent.original": "Mozilla/5.0",
        "network.protocol.version": "1.1",
      },
    });
    const client = tracer.startSpan("SELECT orders", { kind: SpanKind.CLIENT }, trace.setSpan(context.active(), server));
    client.setAttributes({ "db.system.name": "postgresql", "db.namespace": "shop", "db.query.text": "SELECT * FROM orders WHERE id = $1" });
    client.end();
    server.setAttributes({ "http.route": "/orders/:id", "http.response.status_code": 200 });
    server.setStatus({ code: SpanStatusCode.UNSET });
    server.end();
  }
}
