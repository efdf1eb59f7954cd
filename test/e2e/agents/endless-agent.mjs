// An application that ends a span, waits until it is on its way to the store, and neither flushes nor shuts anything down.
import { trace } from "@opentelemetry/api";
import { BasicTracerProvider } from "@opentelemetry/sdk-trace-base";
import { AgentLearnSpanProcessor } from "../../../dist/src/index.js";

trace.setGlobalTracerProvider(
  new BasicTracerProvider({ spanProcessors: [new AgentLearnSpanProcessor({ store: process.env.AGENT_STORE })] }),
);
trace
  .getTracer("agent")
  .startSpan("chat m", { attributes: { "gen_ai.operation.name": "chat" } })
  .end();
await new Promise((resolve) => setTimeout(resolve, 200));
console.log("agent done");
