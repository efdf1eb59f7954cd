// An agent in a process of its own, called over HTTP by another. Prints its port; ends when its input ends. AGENT_STORE names the store.
import { createServer } from "node:http";
import { context, propagation, ROOT_CONTEXT, SpanKind, trace } from "@opentelemetry/api";
import { AgentLearn } from "../../../dist/src/index.js";
import { startSdk } from "./two-agents-sdk.mjs";

const provider = startSdk();
const learn = new AgentLearn({ store: process.env.AGENT_STORE, agentName: "called", withholdProbability: 0.5 });
const tracer = trace.getTracer("called");

const server = createServer(async (request, response) => {
  const scope = propagation.extract(ROOT_CONTEXT, request.headers);
  // As the HTTP instrumentation does on the server's side.
  const served = tracer.startSpan("GET", { kind: SpanKind.SERVER }, scope);
  await context.with(trace.setSpan(scope, served), () =>
    tracer.startActiveSpan(
      "invoke_agent called",
      { attributes: { "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "called" } },
      async (span) => {
        const task = new URL(request.url, "http://localhost").searchParams.get("task");
        span.setAttribute("gen_ai.input.messages", JSON.stringify([{ role: "user", parts: [{ type: "text", content: task }] }]));
        const text = await learn.getKnowledge(task);
        span.end();
        served.end();
        response.end(text);
      },
    ),
  );
});
server.listen(0, "127.0.0.1", () => process.stdout.write(`${server.address().port}\n`));
process.stdin.resume().on("end", async () => {
  server.close();
  await provider.shutdown();
  await learn.close();
});
