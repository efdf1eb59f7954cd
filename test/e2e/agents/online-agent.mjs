/**
 * An agent that knows of learning by its span processor and by getKnowledge, and a scorer beside it, as other tools are: it tells what it thinks of each answer as
 * `gen_ai.evaluation.result` over OTLP. MODEL_URL names the model; AGENTLEARN_ENDPOINT and AGENTLEARN_API_URL the collector. Goes on until its input ends, then
 * prints how many prompts held each of the words in AGENT_WORDS.
 */
import { context, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { OTLPLogExporter } from "@opentelemetry/exporter-logs-otlp-http";
import { BatchLogRecordProcessor, LoggerProvider } from "@opentelemetry/sdk-logs";
import { BasicTracerProvider } from "@opentelemetry/sdk-trace-base";
import OpenAI from "openai";
import { AgentLearnSpanProcessor, getKnowledge } from "../../../dist/src/index.js";

const endpoint = process.env.AGENTLEARN_ENDPOINT;
const spans = new BasicTracerProvider({ spanProcessors: [new AgentLearnSpanProcessor({ endpoint })] });
const logs = new LoggerProvider({
  processors: [new BatchLogRecordProcessor({ exporter: new OTLPLogExporter({ url: `${endpoint}/v1/logs` }), scheduledDelayMillis: 200 })],
});
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
trace.setGlobalTracerProvider(spans);
const tracer = trace.getTracer("harbour");
const model = new OpenAI({ baseURL: process.env.MODEL_URL, apiKey: "none" });
const words = JSON.parse(process.env.AGENT_WORDS);
const held = Object.fromEntries(words.map((word) => [word, 0]));
let runs = 0;
let isOver = false;
process.stdin
  .on("data", () => undefined)
  .on("end", () => {
    isOver = true;
  });

function message(role, content) {
  return JSON.stringify([{ role, parts: [{ type: "text", content }] }]);
}

async function run() {
  const dock = Math.floor(Math.random() * 1_000);
  const task = `How deep is the water at dock ${dock} today?`;
  const attributes = {
    "gen_ai.operation.name": "invoke_agent",
    "gen_ai.agent.name": "harbour",
    "gen_ai.input.messages": message("user", task),
  };
  await tracer.startActiveSpan("invoke_agent harbour", { attributes }, async (root) => {
    const knowledge = await getKnowledge(task, { agentName: "harbour" });
    for (const word of words) if (knowledge.includes(word)) held[word] += 1;
    const said = { "gen_ai.operation.name": "chat", "gen_ai.request.model": "harbour-1", "gen_ai.provider.name": "openai" };
    const answer = await tracer.startActiveSpan("chat harbour-1", { attributes: said }, async (chat) => {
      const messages = [
        { role: "system", content: `You answer questions about a harbour.\n\n${knowledge}` },
        { role: "user", content: task },
      ];
      const { choices } = await model.chat.completions.create({ model: "harbour-1", messages });
      chat.end();
      return choices[0].message.content;
    });
    root.setAttribute("gen_ai.output.messages", message("assistant", answer));
    const isRight = answer.includes(`${(dock % 17) + 3} metres`);
    const evaluation = { "gen_ai.evaluation.name": "depth", "gen_ai.evaluation.score.value": isRight ? 1 : 0 };
    logs.getLogger("scorer").emit({ eventName: "gen_ai.evaluation.result", attributes: evaluation, context: context.active() });
    root.end();
  });
  runs += 1;
}

while (!isOver) {
  await run();
  await new Promise((resolve) => setTimeout(resolve, 25));
}
await Promise.all([spans.shutdown(), logs.shutdown()]);
process.stdout.write(JSON.stringify({ runs, held }));
process.exit(0);
