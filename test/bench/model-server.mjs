/**
 * A server on loopback that speaks the OpenAI chat protocol and reacts to words in the prompt: it writes a lesson for each kind of thing that a failed run
 * was about, says that rules do not contradict each other, judges answers by whether they name the unit, and plays the agent, who is right once the lesson is
 * in its prompt.
 */
import { createHash } from "node:crypto";
import { createServer } from "node:http";
// biome-ignore lint/correctness/useImportExtensions: the rule takes the declarations beside the file for the file
import { judgeBrain } from "../support/judge-model.mjs";

export const KINDS = ["parcel", "invoice", "meeting"];

/** `misbehave(response, request, number)` may answer in its own way, and says so by returning true. Requests are counted by what they ask. */
export async function startModelServer({ misbehave = () => false, usageSaid = (_response, usage) => usage } = {}) {
  const asked = new Map();
  const truth = { requests: 0, inputTokens: 0, outputTokens: 0 };
  const server = createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const body = JSON.parse(Buffer.concat(chunks).toString());
      truth.requests += 1;
      const question = questionOf(body);
      asked.set(question, (asked.get(question) ?? 0) + 1);
      if (misbehave(response, body, truth.requests) === true) return;
      const content = contentFor(body);
      const usage = usageOf(body, content);
      truth.inputTokens += usage.prompt_tokens;
      truth.outputTokens += usage.completion_tokens;
      sendJson(response, 200, completionOf(content, { usage: usageSaid(response, usage) }));
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    baseUrl: `http://127.0.0.1:${server.address().port}/v1`,
    /** How often each thing was asked. */
    asked,
    /** What was really used, whatever the server said about it. */
    truth,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export function sendJson(response, status, body, headers = {}) {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}

export function completionOf(content, { usage, message = {}, finishReason = "stop" } = {}) {
  return {
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 1,
    model: "stub",
    choices: [{ index: 0, finish_reason: finishReason, message: { role: "assistant", content, refusal: null, ...message } }],
    ...(usage === undefined ? {} : { usage }),
  };
}

export function contentFor({ messages }) {
  const [system, user] = messages.map(({ content }) => content);
  if (system.startsWith("You study one failed run")) return JSON.stringify({ lessons: lessonsFor(user) });
  if (system.startsWith("You compare two rules")) return JSON.stringify({ contradict: false, first: "", second: "", reason: "" });
  if (system.startsWith("You write down how"))
    return JSON.stringify({ criteria: [{ text: "ANSWER mentions the unit of measure.", weight: 3 }] });
  if (system.startsWith("You check a record")) return judge({ messages }).text;
  const kind = KINDS.find((word) => user.includes(word)) ?? "";
  return system.includes(ruleFor(kind)) ? `${user} in units` : `${user}`;
}

const judge = judgeBrain();

export function usageOf({ messages }, content) {
  const characters = messages.reduce((sum, message) => sum + message.content.length, 0);
  return { prompt_tokens: Math.ceil(characters / 4), completion_tokens: Math.ceil(content.length / 4) };
}

export function ruleFor(kind) {
  return `State the unit of measure after every ${kind} figure that you report.`;
}

function lessonsFor(run) {
  const kind = KINDS.find((word) => run.includes(word));
  if (kind === undefined) return [];
  const content = ruleFor(kind);
  return [
    {
      type: "skill",
      content,
      appliesWhen: `a task asks about a ${kind}`,
      confidence: 0.9,
      reasoning: "the figure had no unit",
      steps: [],
      revises: null,
    },
  ];
}

/** What is asked, without what is drawn anew each time. */
function questionOf({ messages }) {
  const text = messages
    .map(({ content }) => content)
    .join("\n")
    .replace(/(BEGIN|END)( RUN| [AB])? [0-9a-f]{24}/gu, "$1");
  return createHash("sha256").update(text).digest("hex");
}
