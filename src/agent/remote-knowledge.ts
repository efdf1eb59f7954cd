import { z } from "zod";
import { LearnError } from "../base/error.ts";
import type { AssignedItem } from "../injection/exposure.ts";
import type { Feedback } from "../outcome/outcome.ts";
import { withoutTracing } from "../telemetry/suppress.ts";
import type { ListedText } from "./run-context.ts";

/** The API of a collector, as an agent process needs it. */
export interface RemoteKnowledge {
  knowledge(request: {
    readonly task: string;
    readonly agentName?: string;
    readonly seed: string;
    readonly conversationId?: string;
  }): Promise<RemoteInjection>;
  feedback(feedback: Feedback): Promise<void>;
}

/** What the API answers: the assignment without the evidence behind it. */
export interface RemoteInjection {
  readonly text: string;
  readonly given: readonly (AssignedItem & { readonly type: string; readonly content: string })[];
  readonly withheld: readonly AssignedItem[];
  readonly withholdProbability: number;
  readonly arm?: "knowledge" | "control";
  readonly controlShare?: number;
  readonly listed?: readonly (AssignedItem & ListedText)[];
  readonly canary?: {
    readonly item: { readonly id: string; readonly type: string; readonly content: string };
    readonly member: boolean;
    readonly share: number;
  };
}

const priority = z.enum(["pinned", "normal"]).exactOptional();

const answer = z.object({
  text: z.string(),
  given: z.array(z.object({ id: z.string(), priority, type: z.string(), content: z.string() })),
  withheld: z.array(z.object({ id: z.string(), priority })),
  withholdProbability: z.number().min(0).max(1),
  arm: z.enum(["knowledge", "control"]).exactOptional(),
  controlShare: z.number().gt(0).lt(1).exactOptional(),
  listed: z.array(z.object({ id: z.string(), priority, type: z.string(), content: z.string(), recalled: z.string() })).exactOptional(),
  canary: z
    .object({
      item: z.object({ id: z.string(), type: z.string(), content: z.string() }),
      member: z.boolean(),
      share: z.number().gt(0).lt(1),
    })
    .exactOptional(),
});

// Percent-encoded. Node's server takes 16 KiB of headers with the request line, proxies often 8; the search reads words, and finds them in a beginning.
const MAX_TASK_BYTES = 6_000;

const MAX_CONVERSATION_CHARACTERS = 200;

// A reply is a few kilobytes; anything above is not our collector.
const MAX_REPLY_CHARACTERS = 1_000_000;

/** Speaks to `collector/api` at `apiUrl`, e.g. "http://collector:4320". Own requests are not traced. */
export function createRemoteKnowledge(options: {
  readonly apiUrl: string;
  readonly token?: string | undefined;
  readonly timeoutMs?: number;
}): RemoteKnowledge {
  const timeoutMs = options.timeoutMs ?? 1_000;
  const authorization: Record<string, string> = options.token === undefined ? {} : { authorization: `Bearer ${options.token}` };

  async function call(path: string, init: RequestInit & { readonly headers?: Record<string, string> }): Promise<string> {
    const url = new URL(path, options.apiUrl);
    const response = await withoutTracing(() =>
      fetch(url, { ...init, headers: { ...init.headers, ...authorization }, signal: AbortSignal.timeout(timeoutMs) }),
    ).catch((cause: unknown) => {
      throw new LearnError("unavailable", `no answer from the collector at ${url.origin}`, {
        hint: "start it with `agentlearn up`",
        cause,
      });
    });
    const text = await response.text();
    if (text.length > MAX_REPLY_CHARACTERS)
      throw new LearnError("too-large", `the answer of ${url.origin} is too large to be a collector's`);
    if (!response.ok)
      throw new LearnError(
        response.status >= 500 ? "unavailable" : "invalid",
        `${url.origin} answered ${response.status}: ${text.slice(0, 200)}`,
        response.status === 401 ? { hint: "set AGENTLEARN_TOKEN to the token of that collector" } : {},
      );
    return text;
  }

  return {
    async knowledge({ task, agentName, seed, conversationId }) {
      const query = new URLSearchParams({
        task: beginning(task),
        // As long as the API takes; two conversations that begin alike would only share their draw.
        ...(conversationId === undefined ? { traceId: seed } : { conversation: conversationId.slice(0, MAX_CONVERSATION_CHARACTERS) }),
        ...(agentName === undefined ? {} : { agent: agentName }),
      });
      return answer.parse(JSON.parse(await call(`/api/v1/knowledge?${query}`, { method: "GET" })));
    },
    async feedback(feedback) {
      await call("/api/v1/feedback", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(feedback) });
    },
  };
}

/** As much of a task as a URL may carry, cut between characters. */
function beginning(task: string): string {
  let end = 0;
  let bytes = 0;
  for (const character of task.slice(0, MAX_TASK_BYTES)) {
    // Not encodeURIComponent: that throws on half a surrogate pair.
    bytes += new URLSearchParams({ "": character }).toString().length - 1;
    if (bytes > MAX_TASK_BYTES) break;
    end += character.length;
  }
  return task.slice(0, end);
}
