// What both agents of the test start: the SDK with our processor, W3C trace context and our propagator.
import { context, propagation, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { CompositePropagator, W3CTraceContextPropagator } from "@opentelemetry/core";
import { BasicTracerProvider } from "@opentelemetry/sdk-trace-base";
import { AgentLearnPropagator, AgentLearnSpanProcessor } from "../../../dist/src/index.js";

export function startSdk() {
  const provider = new BasicTracerProvider({ spanProcessors: [new AgentLearnSpanProcessor({ store: process.env.AGENT_STORE })] });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(provider);
  const propagators = [new W3CTraceContextPropagator(), new AgentLearnPropagator()];
  propagation.setGlobalPropagator(new CompositePropagator({ propagators }));
  return provider;
}
