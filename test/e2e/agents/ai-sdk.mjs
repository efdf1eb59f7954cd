// Runs the real AI SDK against the model at MODEL_URL. It imports nothing of ours: `--import agentlearn/register` listens, AGENTLEARN_STORE names
// the store. OTEL=1 registers the SDK's own integration with OpenTelemetry as well.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { getWeather } from "./weather-tool.mjs";

const load = createRequire(new URL("../../peers/frameworks/package.json", import.meta.url));
const peer = (name) => import(pathToFileURL(load.resolve(name)).href);
const { embed, generateText, isStepCount, registerTelemetry, streamText, tool } = await peer("ai");
const { createOpenAI } = await peer("@ai-sdk/openai");
const { z } = await peer("zod");

let provider;
if (process.env.OTEL === "1") {
  const { TracerProvider } = await peer("@opentelemetry/sdk-trace");
  const { trace } = await peer("@opentelemetry/api");
  const { OpenTelemetry } = await peer("@ai-sdk/otel");
  provider = new TracerProvider({ spanProcessors: [] });
  trace.setGlobalTracerProvider(provider);
  registerTelemetry(new OpenTelemetry());
}

const openai = createOpenAI({ apiKey: "none", baseURL: process.env.MODEL_URL });
const get_weather = tool({ description: "weather", inputSchema: z.object({ city: z.string() }), execute: getWeather });
const common = (prompt) => ({
  model: openai.chat("loopback"),
  instructions: "You are a weather agent.",
  prompt,
  tools: { get_weather },
  stopWhen: isStepCount(5),
  maxRetries: 0,
  runtimeContext: { userId: "u-7", conversationId: "conv-7", secret: "s" },
  telemetry: { functionId: "weather-agent", includeRuntimeContext: { userId: true, conversationId: true } },
});

console.log(`plain: ${(await generateText(common("Weather in Atlantis or Paris?"))).text}`);
const streamed = streamText(common("Streamed: weather in Atlantis or Paris?"));
let text = "";
for await (const delta of streamed.textStream) text += delta;
console.log(`streamed: ${text}`);

const ask_weather = tool({
  description: "asks the weather agent",
  inputSchema: z.object({ question: z.string() }),
  execute: async ({ question }) => (await generateText(common(question))).text,
});
const manager = { ...common("Ask: weather in Atlantis or Paris?"), tools: { ask_weather }, telemetry: { functionId: "manager" } };
console.log(`sub-agent: ${(await generateText(manager)).text}`);
await generateText({ ...common("Refuse this"), model: openai.chat("refused") }).catch((error) =>
  console.log(`refused: ${error.statusCode}`),
);
await embed({ model: openai.embedding("e"), value: "x", maxRetries: 0 }).catch(() => console.log("embed: refused"));
await generateText({ ...common("Do not record"), telemetry: { isEnabled: false } });
await provider?.shutdown();
