// An agent that calls another one over HTTP, once for each conversation in AGENT_CONVERSATIONS, all at once. AGENT_STORE names the store, AGENT_URL the other, AGENT_BAGGAGE what else it puts into baggage.
import { context, propagation, SpanKind, trace } from "@opentelemetry/api";
import { AgentLearn } from "../../../dist/src/index.js";
import { startSdk } from "./two-agents-sdk.mjs";

const provider = startSdk();
const learn = new AgentLearn({ store: process.env.AGENT_STORE, agentName: "calling", withholdProbability: 0.5 });
const tracer = trace.getTracer("calling");

/** As the HTTP instrumentation does on the client's side. */
async function call(url) {
  const span = tracer.startSpan("GET", { kind: SpanKind.CLIENT });
  const headers = {};
  let baggage = propagation.getActiveBaggage() ?? propagation.createBaggage();
  for (const [key, value] of Object.entries(JSON.parse(process.env.AGENT_BAGGAGE ?? "{}"))) baggage = baggage.setEntry(key, { value });
  propagation.inject(trace.setSpan(propagation.setBaggage(context.active(), baggage), span), headers);
  const text = await (await fetch(url, { headers })).text();
  span.end();
  return { text, headers };
}

async function run(conversationId) {
  const task = `racing question of ${conversationId}`;
  return tracer.startActiveSpan(
    "invoke_agent calling",
    { attributes: { "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "calling", "gen_ai.conversation.id": conversationId } },
    async (span) => {
      span.setAttribute("gen_ai.input.messages", JSON.stringify([{ role: "user", parts: [{ type: "text", content: task }] }]));
      const called = await learn.withKnowledge(task, () => call(`${process.env.AGENT_URL}/?${new URLSearchParams({ task })}`));
      span.end();
      return { conversationId, baggage: called.headers.baggage, text: called.text };
    },
  );
}

const answers = await Promise.all(JSON.parse(process.env.AGENT_CONVERSATIONS).map(run));
await provider.shutdown();
await learn.close();
process.stdout.write(JSON.stringify(answers));
