/**
 * One variant of agent.loop-delay in a process of its own: argv[2] is JSON { variant, sink, store, warmUpMs, durationMs, spansPerSecond, spans, seed }.
 * Prints one JSON line. Everything but the span processor is the same in each variant. Each span says its phase as its conversation: warm-up, at twice
 * the rate, so that neither the start of a thread nor the compiler's work is measured; steady, at the rate; and flat-out.
 */
import { existsSync, readFileSync } from "node:fs";
import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { context, SpanKind, trace } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { createRandom, proseOf } from "./statistics.mjs";
import { builtModule } from "./stored-spans.mjs";

const options = JSON.parse(process.argv[2]);
/** One agent run: a root and seven model calls. */
const SPANS_PER_TRACE = 8;
const TICK_MS = 4;

const random = createRandom(options.seed);
// Distinct texts, made before the clock runs: the cost of making them belongs to no processor.
const texts = Array.from({ length: 256 }, () => messagesOf(proseOf(random, 3_300), proseOf(random, 1_200)));

let exported = 0;
const processor = await createProcessor(options.variant);
const provider = new BasicTracerProvider({
  resource: resourceFromAttributes({ "service.name": "figures" }),
  spanProcessors: processor === undefined ? [] : [processor],
});
const tracer = provider.getTracer("figures");
let worstEndMs = 0;
let emitted = 0;

await emitFor("warm-up", options.warmUpMs, 2 * options.spansPerSecond);
await provider.forceFlush();
const result = { steady: await counted(steady), "flat-out": await counted(flatOut) };
process.stdout.write(`${JSON.stringify(result)}\n`);
await provider.shutdown();
process.exit(0);

async function createProcessor(variant) {
  if (variant === "none") return undefined;
  if (variant === "batch") {
    const { OTLPTraceExporter } = await import("@opentelemetry/exporter-trace-otlp-proto");
    const exporter = new OTLPTraceExporter({ url: options.sink });
    const send = exporter.export.bind(exporter);
    exporter.export = (spans, done) =>
      send(spans, (outcome) => {
        if (outcome.code === 0) exported += spans.length;
        done(outcome);
      });
    return new BatchSpanProcessor(exporter);
  }
  const { AgentLearnSpanProcessor } = await builtModule("src/index.js");
  if (AgentLearnSpanProcessor === undefined) throw new Error("dist/src/index.js does not export AgentLearnSpanProcessor");
  return new AgentLearnSpanProcessor({ store: `file:${options.store}` });
}

/** What a phase measured, with the spans that it emitted and those of them that the peer exported. */
async function counted(phase) {
  const before = { emitted, exported };
  const measured = await phase();
  return { ...measured, emitted: emitted - before.emitted, exported: exported - before.exported };
}

/** A constant rate; what the agent feels while it works. */
async function steady() {
  worstEndMs = 0;
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const before = { main: mainThreadMs(), all: process.cpuUsage(), emitted };
  await emitFor("steady", options.durationMs, options.spansPerSecond);
  const mainMs = mainThreadMs() - before.main;
  const all = process.cpuUsage(before.all);
  delay.disable();
  const spans = emitted - before.emitted;
  const ms = (nanoseconds) => nanoseconds / 1e6;
  // The rate must be what was asked, or the variants did not carry the same load.
  const rate = spans / (options.durationMs / 1000);
  const loop = { p50: ms(delay.percentile(50)), p99: ms(delay.percentile(99)), p999: ms(delay.percentile(99.9)), max: ms(delay.max) };
  await provider.forceFlush();
  return { rate, mainUsPerSpan: (mainMs * 1000) / spans, allUsPerSpan: (all.user + all.system) / spans, loop, worstEndMs };
}

async function emitFor(phase, durationMs, spansPerSecond) {
  const began = performance.now();
  let runs = 0;
  for (let elapsed = 0; elapsed < durationMs; elapsed = performance.now() - began) {
    const due = Math.floor((elapsed / 1000) * (spansPerSecond / SPANS_PER_TRACE));
    for (; runs < due; runs += 1) emitTrace(phase);
    await sleep(TICK_MS);
  }
}

/** As fast as the process goes, giving the loop a turn after each agent run; ends when everything is flushed. */
async function flatOut() {
  const began = performance.now();
  const end = emitted + options.spans;
  while (emitted < end) {
    emitTrace("flat-out");
    await nextTurn();
  }
  const emittedMs = performance.now() - began;
  await provider.forceFlush();
  return { emittedMs, totalMs: performance.now() - began };
}

function emitTrace(phase) {
  const root = tracer.startSpan("invoke_agent figures", {
    attributes: { "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "figures", "gen_ai.conversation.id": phase },
  });
  const inside = trace.setSpan(context.active(), root);
  for (let child = 1; child < SPANS_PER_TRACE; child += 1) {
    const span = tracer.startSpan("chat model", { kind: SpanKind.CLIENT }, inside);
    const { input, output } = texts[emitted % texts.length];
    span.setAttributes({
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "openai",
      "gen_ai.request.model": "model",
      "gen_ai.response.model": "model-1",
      "gen_ai.response.id": `response-${emitted}`,
      "gen_ai.conversation.id": phase,
      "gen_ai.request.temperature": 0.2,
      "gen_ai.request.top_p": 1,
      "gen_ai.request.max_tokens": 1024,
      "gen_ai.response.finish_reasons": ["stop"],
      "gen_ai.usage.input_tokens": 900,
      "gen_ai.usage.output_tokens": 300,
      "gen_ai.output.type": "text",
      "server.address": "127.0.0.1",
      "server.port": 443,
      "gen_ai.input.messages": input,
      "gen_ai.output.messages": output,
    });
    end(span);
  }
  end(root);
}

function end(span) {
  const began = performance.now();
  span.end();
  worstEndMs = Math.max(worstEndMs, performance.now() - began);
  emitted += 1;
}

function messagesOf(question, answer) {
  return {
    input: JSON.stringify([{ role: "user", parts: [{ type: "text", content: question }] }]),
    output: JSON.stringify([{ role: "assistant", parts: [{ type: "text", content: answer }], finish_reason: "stop" }]),
  };
}

/** CPU time of the agent's own thread. Where the system does not tell threads apart, the time in which the loop was busy. */
function mainThreadMs() {
  const file = `/proc/self/task/${process.pid}/schedstat`;
  if (existsSync(file)) return Number(readFileSync(file, "utf8").split(" ")[0]) / 1e6;
  if (typeof process.threadCpuUsage === "function") {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1000;
  }
  return performance.eventLoopUtilization().active;
}
