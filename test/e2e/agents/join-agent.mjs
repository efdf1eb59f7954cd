// Joins our kind of processor to an SDK that is registered after or before it, and prints what it got of one span and one log record.
// Arguments: SDK line (2 or 3), before or after, and how many processors of its own the application has (0 or 1).
import { createRequire } from "node:module";
import { joinLogProvider, joinTraceProvider } from "../../../dist/src/telemetry/join-provider.js";

const [line, when, own] = process.argv.slice(2);
const seen = { spans: 0, logs: 0 };
const quiet = { forceFlush: async () => {}, shutdown: async () => {} };
const join = () => {
  joinTraceProvider({ ...quiet, onStart() {}, onEnd: () => void seen.spans++ });
  joinLogProvider({ ...quiet, onEmit: () => void seen.logs++ });
};
const load = createRequire(new URL(line === "3" ? "../../peers/otel-3/package.json" : "../../../package.json", import.meta.url));
const api = load("@opentelemetry/api");
const { LoggerProvider } = load("@opentelemetry/sdk-logs");
const Provider = line === "3" ? load("@opentelemetry/sdk-trace").TracerProvider : load("@opentelemetry/sdk-trace-base").BasicTracerProvider;
const { logs } = line === "3" ? api : createRequire(load.resolve("@opentelemetry/sdk-logs"))("@opentelemetry/api-logs");

if (when === "before") join();
const theirs = own === "1" ? [{ ...quiet, onStart() {}, onEnd() {}, onEmit() {} }] : [];
api.trace.setGlobalTracerProvider(new Provider({ spanProcessors: [...theirs] }));
logs.setGlobalLoggerProvider(new LoggerProvider({ processors: [...theirs] }));
if (when === "after") join();
api.trace.getTracer("t").startSpan("s").end();
logs.getLogger("l").emit({ body: "x" });
console.log(JSON.stringify(seen));
