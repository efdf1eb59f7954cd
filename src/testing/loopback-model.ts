import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { LearnError, messageOf } from "../base/error.ts";
import { type Brain, type ChatReply, readChatRequest } from "./chat.ts";
import { chatCompletion, chatCompletionChunks } from "./chat-response.ts";
import { sqlBrain } from "./sql-brain.ts";

export interface LoopbackModelOptions {
  /** 0, the default, takes any free port. */
  readonly port?: number;
  /** What answers. Default: `sqlBrain`, a text-to-SQL model that makes mistakes until a rule in the prompt tells it better. */
  readonly brain?: Brain;
}

export interface LoopbackModel {
  /** Base URL for an OpenAI client; ends in `/v1`. */
  readonly url: string;
  /** Chat completions answered so far, refused ones included. */
  requests(): number;
  /** Stops listening and cuts open connections. Safe twice. */
  close(): Promise<void>;
}

const MODEL_ID = "loopback-sql";
const MAX_BODY_BYTES = 4 * 1024 * 1024;

/** Starts an OpenAI-compatible model server on 127.0.0.1. The answer is a function of the request body; nothing is remembered between requests. */
export async function startLoopbackModel(options: LoopbackModelOptions = {}): Promise<LoopbackModel> {
  const brain = options.brain ?? sqlBrain;
  let requests = 0;
  const server = createServer((request, response) => {
    const route = `${request.method} ${(request.url ?? "").split("?")[0]}`;
    if (route === "GET /v1/models") {
      sendJson(response, 200, { object: "list", data: [{ id: MODEL_ID, object: "model", created: 0, owned_by: "agentlearn" }] });
    } else if (route === "POST /v1/chat/completions") {
      requests += 1;
      readBody(request).then(
        (body) => answer(body, brain, response),
        (caught) => sendError(response, 413, messageOf(caught), null),
      );
    } else {
      sendError(response, 404, `unknown request URL: ${route}`, null);
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) =>
      reject(new LearnError("unavailable", `model server: ${messageOf(cause)}`, { hint: "choose another port", cause })),
    );
    server.listen(options.port ?? 0, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests: () => requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answer(body: string, brain: Brain, response: ServerResponse): void {
  const request = readChatRequest(parseJson(body));
  if ("problem" in request) {
    sendError(response, 400, request.problem, request.param);
    return;
  }
  let reply: ChatReply;
  try {
    reply = brain(request);
  } catch (caught) {
    sendError(response, 500, messageOf(caught), null);
    return;
  }
  const createdS = Math.floor(Date.now() / 1000);
  if (request.stream) sendEvents(response, chatCompletionChunks(request, reply, createdS));
  else sendJson(response, 200, chatCompletion(request, reply, createdS));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    // Read to the end all the same: leaving early would cut the connection before the client can read why.
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  if (bytes > MAX_BODY_BYTES) throw new LearnError("too-large", `the body is larger than ${MAX_BODY_BYTES} bytes`);
  return Buffer.concat(chunks).toString("utf8");
}

function sendEvents(response: ServerResponse, chunks: readonly object[]): void {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  for (const chunk of chunks) response.write(`data: ${JSON.stringify(chunk)}\n\n`);
  response.end("data: [DONE]\n\n");
}

function sendError(response: ServerResponse, status: number, message: string, param: string | null): void {
  const type = status >= 500 ? "server_error" : "invalid_request_error";
  sendJson(response, status, { error: { message, type, param, code: null } });
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  if (response.writableEnded || response.destroyed) return;
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
