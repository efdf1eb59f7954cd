// An application that knows OpenTelemetry and not us: `--import agentlearn/register` joins its SDK, which it starts later.
import { trace } from "@opentelemetry/api";
import { BasicTracerProvider } from "@opentelemetry/sdk-trace-base";

await new Promise((resolve) => setTimeout(resolve, 20));
const provider = new BasicTracerProvider({ spanProcessors: [] });
trace.setGlobalTracerProvider(provider);
const span = trace.getTracer("agent").startSpan("invoke_agent plain", {
  attributes: {
    "gen_ai.operation.name": "invoke_agent",
    "gen_ai.agent.name": "plain",
    "gen_ai.input.messages": JSON.stringify([{ role: "user", parts: [{ type: "text", content: process.env.AGENT_TASK }] }]),
  },
});
span.end();
await provider.shutdown();
