import { LearnError } from "../base/error.ts";

/** 4 MiB: an answer of 8192 tokens has 50 KB. What sends more is broken or hostile, and would be held in memory whole. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/** `fetch` that reads so much and no more, and follows nobody: a redirected request would show the prompt to whoever the redirect names. */
export async function boundedFetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
  const response = await fetch(input, { ...init, redirect: "manual" });
  if (response.status >= 300 && response.status < 400) {
    await response.body?.cancel().catch(() => undefined);
    throw new LearnError("unavailable", "the model server sends us elsewhere, and prompts are not sent where nobody said", {
      hint: "set openaiBaseUrl to where the server is",
    });
  }
  if (response.body === null) return response;
  let bytes = 0;
  const bounded = response.body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        bytes += chunk.byteLength;
        if (bytes <= MAX_ANSWER_BYTES) controller.enqueue(chunk);
        else controller.error(new LearnError("unavailable", `the answer of the model server is larger than ${MAX_ANSWER_BYTES} bytes`));
      },
    }),
  );
  const { status, statusText, headers } = response;
  return new Response(bounded, { status, statusText, headers });
}
