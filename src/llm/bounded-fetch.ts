import { LearnError } from "../base/error.ts";

/** `fetch` that reads so many bytes and no more, and follows nobody: a redirected request would show the prompt to whoever the redirect names. */
export function boundedFetch(maxAnswerBytes: number): typeof fetch {
  return async (input, init) => bounded(await fetch(input, { ...init, redirect: "manual" }), maxAnswerBytes);
}

async function bounded(response: Response, maxAnswerBytes: number): Promise<Response> {
  if (response.status >= 300 && response.status < 400) {
    await response.body?.cancel().catch(() => undefined);
    throw new LearnError("unavailable", "the model server sends us elsewhere, and prompts are not sent where nobody said", {
      hint: "set openaiBaseUrl to where the server is",
    });
  }
  if (response.body === null) return response;
  let bytes = 0;
  const body = response.body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        bytes += chunk.byteLength;
        if (bytes <= maxAnswerBytes) controller.enqueue(chunk);
        else controller.error(new LearnError("unavailable", `the answer of the model server is larger than ${maxAnswerBytes} bytes`));
      },
    }),
  );
  const { status, statusText, headers } = response;
  return new Response(body, { status, statusText, headers });
}
