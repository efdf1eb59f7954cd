import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type OpenAiMode =
  | { readonly kind: "answer"; readonly content: string; readonly finishReason?: string }
  | { readonly kind: "refusal"; readonly text: string }
  | { readonly kind: "status"; readonly status: number; readonly message?: string }
  | { readonly kind: "empty" }
  | { readonly kind: "garbage" }
  | { readonly kind: "hang" }
  | { readonly kind: "hang-in-body" };

export interface OpenAiServer {
  readonly baseUrl: string;
  /** Bodies and headers of all requests, oldest first. */
  readonly requests: readonly { readonly body: Record<string, unknown>; readonly headers: IncomingHttpHeaders }[];
  setMode(...modes: readonly OpenAiMode[]): void;
  close(): Promise<void>;
}

/** A loopback server that speaks the OpenAI chat protocol with canned answers; with several modes each request takes the next, the last one stays. */
export async function openOpenAiServer(): Promise<OpenAiServer> {
  const requests: { body: Record<string, unknown>; headers: IncomingHttpHeaders }[] = [];
  let modes: OpenAiMode[] = [];
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      requests.push({ body: JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>, headers: request.headers });
      answer(response, (modes.length > 1 ? modes.shift() : modes[0]) ?? { kind: "empty" });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    setMode: (...next) => {
      modes = [...next];
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answer(response: ServerResponse, mode: OpenAiMode): void {
  const send = (status: number, body: unknown): void => {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  };
  const complete = (message: object, finishReason = "stop"): void =>
    send(200, {
      id: "chatcmpl-1",
      object: "chat.completion",
      created: 1,
      model: "stub",
      choices: [{ index: 0, finish_reason: finishReason, message: { role: "assistant", ...message } }],
      usage: { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 },
    });
  if (mode.kind === "answer") complete({ content: mode.content, refusal: null }, mode.finishReason);
  else if (mode.kind === "refusal") complete({ content: null, refusal: mode.text });
  else if (mode.kind === "status") send(mode.status, { error: { message: mode.message ?? "stub says no", type: "stub" } });
  else if (mode.kind === "empty") send(200, { id: "x", choices: [] });
  else if (mode.kind === "garbage") response.writeHead(200, { "content-type": "application/json" }).end("<html>");
  else if (mode.kind === "hang-in-body") response.writeHead(200, { "content-type": "application/json" }).write('{"id":');
}
