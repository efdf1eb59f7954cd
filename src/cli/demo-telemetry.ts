import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type OpenAI from "openai";
import type { ClientOptions } from "openai";
import { LearnError } from "../base/error.ts";

/** OpenTelemetry as an application would set it up: official SDK, official OpenAI instrumentation, OTLP/HTTP exporters. Nothing of ours. */
export interface DemoTelemetry {
  /** An instrumented client. */
  createOpenAI(options: ClientOptions): OpenAI;
  flush(): Promise<void>;
  shutdown(): Promise<void>;
}

const NEEDED = [
  "sdk-trace-base",
  "sdk-logs",
  "context-async-hooks",
  "resources",
  "exporter-trace-otlp-proto",
  "exporter-logs-otlp-proto",
  "instrumentation-openai",
];

export async function startDemoTelemetry(otlpHttpUrl: string): Promise<DemoTelemetry> {
  const packages = await load();
  const { context, metrics, trace } = packages.api;
  const resource = packages.resources.resourceFromAttributes({ "service.name": "racing-demo" });
  const tracerProvider = new packages.sdk.BasicTracerProvider({
    resource,
    spanProcessors: [new packages.sdk.BatchSpanProcessor(new packages.spanExporter.OTLPTraceExporter({ url: `${otlpHttpUrl}/v1/traces` }))],
  });
  const loggerProvider = new packages.logs.LoggerProvider({
    resource,
    processors: [
      new packages.logs.BatchLogRecordProcessor({ exporter: new packages.logExporter.OTLPLogExporter({ url: `${otlpHttpUrl}/v1/logs` }) }),
    ],
  });
  const contextManager = new packages.context.AsyncLocalStorageContextManager().enable();
  context.setGlobalContextManager(contextManager);
  trace.setGlobalTracerProvider(tracerProvider);
  const instrumentation = new packages.instrumentation.OpenAIInstrumentation({ captureMessageContent: true });
  instrumentation.setTracerProvider(tracerProvider);
  instrumentation.setLoggerProvider(loggerProvider);
  // Without a meter provider of some kind a failed model call ends in a TypeError inside the instrumentation (seen with 0.21.0).
  instrumentation.setMeterProvider(metrics.getMeterProvider());
  // The instrumentation patches what `require` loads; an ES import of the same package would pass it by.
  const { OpenAI: Client } = createRequire(import.meta.url)("openai") as { OpenAI: new (options: ClientOptions) => OpenAI };
  return {
    createOpenAI: (options) => new Client(options),
    async flush() {
      await Promise.all([tracerProvider.forceFlush(), loggerProvider.forceFlush()]);
    },
    async shutdown() {
      instrumentation.disable();
      await Promise.all([tracerProvider.shutdown(), loggerProvider.shutdown()]);
      context.disable();
      trace.disable();
    },
  };
}

/** Development packages: an installed `agentlearn` does not carry an OpenTelemetry SDK. */
async function load() {
  try {
    const [api, sdk, logs, ctx, resources, spanExporter, logExporter, instrumentation] = await Promise.all([
      import("@opentelemetry/api"),
      import("@opentelemetry/sdk-trace-base"),
      import("@opentelemetry/sdk-logs"),
      import("@opentelemetry/context-async-hooks"),
      import("@opentelemetry/resources"),
      import("@opentelemetry/exporter-trace-otlp-proto"),
      import("@opentelemetry/exporter-logs-otlp-proto"),
      import("@opentelemetry/instrumentation-openai"),
    ]);
    return { api, sdk, logs, context: ctx, resources, spanExporter, logExporter, instrumentation };
  } catch (cause) {
    throw new LearnError("invalid", "the demo's OpenTelemetry packages are not installed", {
      hint: `npm install --no-save ${tested().join(" ")}`,
      cause,
    });
  }
}

/** In the versions that this package is tested with: the newest ones ask for a newer Node. */
function tested(): readonly string[] {
  const file = new URL("../../../package.json", import.meta.url);
  const { devDependencies = {} } = JSON.parse(readFileSync(file, "utf8")) as { devDependencies?: Record<string, string> };
  return NEEDED.map((name) => `@opentelemetry/${name}@${devDependencies[`@opentelemetry/${name}`] ?? "latest"}`);
}
