import type { Brain, ChatRequest } from "../../../src/testing/chat.ts";

/** A model that tries Atlantis, is told that it is no city, tries Paris, and answers. It hands over, or asks another agent, where it is offered that. */
export const weatherBrain: Brain = (request) => {
  if (request.model === "refused") throw new Error("the model refuses");
  const task = request.messages.findLast(({ role }) => role === "user")?.content ?? "";
  const results = request.messages.filter(({ role }) => role === "tool").map(({ content }) => content);
  const other = request.tools.find(({ name }) => name.startsWith("transfer_to_") || name.startsWith("ask_"));
  if (other !== undefined) {
    if (results.length > 0) return { type: "text", text: `They say: ${results.at(-1)}` };
    const [parameter] = other.textParameters;
    return {
      type: "tool-call",
      name: other.name,
      arguments: parameter === undefined ? {} : { [parameter]: task.replace("Ask: ", "Asked: ") },
    };
  }
  if (!hasWeather(request)) return { type: "text", text: "I know no weather." };
  const asked = request.messages.flatMap(({ toolCalls }) => toolCalls).filter(({ name }) => name === "get_weather").length;
  if (asked === 0) return { type: "tool-call", name: "get_weather", arguments: { city: "Atlantis" } };
  if (asked === 1) return { type: "tool-call", name: "get_weather", arguments: { city: "Paris" } };
  return { type: "text", text: "It is 21C and sunny in Paris." };
};

function hasWeather({ tools }: ChatRequest): boolean {
  return tools.some(({ name }) => name === "get_weather");
}
