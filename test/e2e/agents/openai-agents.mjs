// Runs agents of the real OpenAI Agents SDK against the model at MODEL_URL, with nothing but our trace processor. AGENT_STORE names the store.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { AgentLearn, AgentLearnTracingProcessor } from "../../../dist/src/index.js";
import { getWeather } from "./weather-tool.mjs";

const load = createRequire(new URL("../../peers/frameworks/package.json", import.meta.url));
const peer = (name) => import(pathToFileURL(load.resolve(name)).href);
const { Agent, OpenAIProvider, Runner, setTraceProcessors, tool, withTrace } = await peer("@openai/agents");
const { z } = await peer("zod");

const store = process.env.AGENT_STORE;
const processor = new AgentLearnTracingProcessor({ store });
setTraceProcessors([processor]);

const runner = new Runner({
  modelProvider: new OpenAIProvider({ apiKey: "none", baseURL: process.env.MODEL_URL, useResponses: false }),
  workflowName: "forecast",
  groupId: "conv-7",
  traceMetadata: { userId: "u-7", tenant: "north" },
});
const weather = new Agent({
  name: "Weather Agent",
  instructions: "You are a weather agent.",
  model: "loopback",
  tools: [tool({ name: "get_weather", description: "weather", parameters: z.object({ city: z.string() }), execute: getWeather })],
});
const triage = new Agent({ name: "Triage", instructions: "You hand over.", model: "loopback", handoffs: [weather] });
const manager = new Agent({
  name: "Manager",
  instructions: "You ask others.",
  model: "loopback",
  tools: [weather.asTool({ toolName: "ask_weather", toolDescription: "asks the weather agent" })],
});

const say = (what, result) => console.log(`${what}: ${result.finalOutput}`);
say("plain", await runner.run(weather, "Weather in Atlantis or Paris?"));
const streamed = await runner.run(weather, "Streamed: weather in Atlantis or Paris?", { stream: true });
for await (const _event of streamed) void _event;
await streamed.completed;
say("streamed", streamed);
say("handoff", await runner.run(triage, "Hand over: weather in Atlantis or Paris?"));
say("sub-agent", await runner.run(manager, "Ask: weather in Atlantis or Paris?"));
await runner.run(new Agent({ name: "Broken", model: "refused" }), "Refuse this").catch((error) => console.log(`refused: ${error.status}`));
await withTrace("two runs", async () => {
  await runner.run(weather, "First of two: weather in Atlantis or Paris?");
  await runner.run(weather, "Second of two: weather in Atlantis or Paris?");
});

const learn = new AgentLearn({ store });
const traced = learn.trace(async (task) => (await runner.run(weather, task)).finalOutput, { name: "outer" });
console.log(`inside: ${await traced("Inside: weather in Atlantis or Paris?")}`);
await processor.shutdown();
await learn.close();
