/**
 * An agent of agent.hostile in a process of its own: argv[2] is JSON { variant, store, report, items, seed }, variant "ours" or "none" (the same objects,
 * given to nobody). Writes what it saw to the file `report`, nothing to stdout, and never calls process.exit: that it ends is part of the figure.
 */
import { writeFileSync } from "node:fs";
import { context, trace } from "@opentelemetry/api";
import { LoggerProvider } from "@opentelemetry/sdk-logs";
import { BasicTracerProvider } from "@opentelemetry/sdk-trace-base";
// biome-ignore lint/correctness/useImportExtensions: the rule takes the declarations beside the file for the file
import * as hostile from "../support/hostile.mjs";
import { createRandom, proseOf } from "./statistics.mjs";
import { builtModule } from "./stored-spans.mjs";

const { made, soundLog, soundSpan, value } = hostile;
const options = JSON.parse(process.argv[2]);
/** One drawn value in so many takes milliseconds or megabytes. */
const HEAVY_EVERY = 1_000;
const GOOD_EVERY = 10;
/** An agent has pauses; one without any is bounded by the queue, which drops and counts. */
const FLUSH_EVERY = 256;
const WEIGH_EVERY = 32;

const seen = { exceptions: 0, rejections: 0, example: undefined, hooks: 0, worstHookMs: 0 };
process.on("unhandledRejection", (reason) => note("rejections", reason));
process.on("uncaughtException", (error) => note("exceptions", error));

const random = createRandom(options.seed);
const below = (count) => Math.floor(random() * count);
const oneOf = (list) => list[below(list.length)];
const hexOf = (length) => Array.from({ length }, () => below(16).toString(16)).join("");

const processors = options.variant === "ours" ? await ourProcessors() : { spans: undefined, logs: undefined };
const spanProvider = new BasicTracerProvider({ spanProcessors: processors.spans === undefined ? [] : [processors.spans] });
const logProvider = new LoggerProvider({ processors: processors.logs === undefined ? [] : [processors.logs] });
const tracer = spanProvider.getTracer("figures");
const logger = logProvider.getLogger("figures");
const good = [];

// The values themselves take 400 MiB, once they are made: what is measured is what comes on top.
for (const name of hostile.VALUE_NAMES) value(name);
giveGood();
await flush();
const memory = { startBytes: process.memoryUsage.rss(), mostBytes: 0 };

for (let item = 1; item <= options.items; item += 1) {
  if (item % 2 === 0) giveSpan();
  else giveLog();
  if (item % GOOD_EVERY === 0) giveGood();
  if (item % WEIGH_EVERY === 0) weigh();
  if (item % FLUSH_EVERY === 0) await flush();
}
for (const name of hostile.VALUE_NAMES) {
  const given = value(name);
  guarded(() => processors.spans?.onStart(given, given));
  guarded(() => processors.spans?.onEnd(given));
  guarded(() => processors.logs?.onEmit(given, given));
}
await flush();
await spanProvider.shutdown();
await logProvider.shutdown();
const doneAtMs = Date.now();
process.on("exit", () => writeFileSync(options.report, JSON.stringify({ ...seen, good, doneAtMs, ...mebibytes() })));

async function ourProcessors() {
  const { AgentLearnLogRecordProcessor, AgentLearnSpanProcessor } = await builtModule("src/index.js");
  const settings = { store: `file:${options.store}` };
  return { spans: new AgentLearnSpanProcessor(settings), logs: new AgentLearnLogRecordProcessor(settings) };
}

function note(kind, thrown) {
  seen[kind] += 1;
  try {
    seen.example ??= String(thrown?.stack ?? thrown);
  } catch {
    seen.example ??= "something that has no text";
  }
}

/** A hook, called as an SDK calls it: with nothing around it that would catch. */
function guarded(hook) {
  const began = performance.now();
  try {
    hook();
  } catch (thrown) {
    note("exceptions", thrown);
  }
  seen.worstHookMs = Math.max(seen.worstHookMs, performance.now() - began);
  seen.hooks += 1;
}

function freshContext() {
  return { traceId: hexOf(32), spanId: hexOf(16), traceFlags: 1 };
}

function planted(fields) {
  return Array.from({ length: 1 + below(4) }, () => [
    oneOf(fields),
    oneOf(below(HEAVY_EVERY) === 0 ? hostile.HEAVY_NAMES : hostile.LIGHT_NAMES),
    below(hostile.PLANTING_COUNT),
  ]);
}

function giveSpan() {
  const span = made(soundSpan(freshContext()), planted(hostile.SPAN_FIELDS), oneOf(hostile.WRAPPING_NAMES));
  guarded(() => processors.spans?.onStart(span, context.active()));
  guarded(() => processors.spans?.onEnd(span));
}

function giveLog() {
  const record = made(soundLog(freshContext()), planted(hostile.LOG_FIELDS), oneOf(hostile.WRAPPING_NAMES));
  guarded(() => processors.logs?.onEmit(record, context.active()));
}

/** A span of the real SDK with a log record inside it, as a well-behaved instrumentation makes them. */
function giveGood() {
  const text = proseOf(random, 200);
  const span = tracer.startSpan("chat", { attributes: { "gen_ai.operation.name": "chat", "gen_ai.input.messages": text } });
  const inside = trace.setSpan(context.active(), span);
  guarded(() => logger.emit({ eventName: "gen_ai.choice", body: { text }, attributes: {}, context: inside }));
  guarded(() => span.end());
  const { traceId, spanId } = span.spanContext();
  good.push({ traceId, spanId, text });
}

function weigh() {
  memory.mostBytes = Math.max(memory.mostBytes, process.memoryUsage.rss());
}

function mebibytes() {
  const { startBytes, mostBytes } = memory;
  return { startMebibytes: startBytes / 2 ** 20, addedMebibytes: (mostBytes - startBytes) / 2 ** 20 };
}

async function flush() {
  try {
    await Promise.all([spanProvider.forceFlush(), logProvider.forceFlush()]);
  } catch (thrown) {
    note("rejections", thrown);
  }
}
