// An application with the OpenTelemetry SDK and our two processors. AGENT_STORE names the store, AGENT_TASK the task.
import { context, SpanStatusCode, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { LoggerProvider } from "@opentelemetry/sdk-logs";
import { BasicTracerProvider } from "@opentelemetry/sdk-trace-base";
import { AgentLearnLogRecordProcessor, AgentLearnSpanProcessor } from "../../../dist/src/index.js";

const options = { store: process.env.AGENT_STORE };
const spans = new BasicTracerProvider({ spanProcessors: [new AgentLearnSpanProcessor(options)] });
const logs = new LoggerProvider({ processors: [new AgentLearnLogRecordProcessor(options)] });
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
trace.setGlobalTracerProvider(spans);

const tracer = trace.getTracer("agent");
await tracer.startActiveSpan(
  "invoke_agent sdk",
  { attributes: { "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "sdk" } },
  async (root) => {
    await tracer.startActiveSpan(
      "chat m",
      { attributes: { "gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.system": "openai" } },
      async (chat) => {
        // As the official instrumentation does: content only in log records, and before the span ends.
        const emit = (name, body) =>
          logs.getLogger("openai").emit({ attributes: { "event.name": name, "gen_ai.system": "openai" }, body, context: context.active() });
        emit("gen_ai.user.message", { content: process.env.AGENT_TASK });
        emit("gen_ai.choice", { index: 0, finish_reason: "stop", message: { content: "done" } });
        chat.end();
      },
    );
    root.setStatus({ code: SpanStatusCode.UNSET });
    root.end();
  },
);
// A span that has nothing to do with GenAI is not ours.
tracer.startSpan("GET /health").end();
await Promise.all([spans.shutdown(), logs.shutdown()]);
console.log("agent done");
