import { z } from "zod";
import { LearnError } from "../base/error.ts";
import type { KnowledgeChanges, KnowledgeFeed, TrialRations } from "../injection/ports.ts";
import type { Feedback } from "../outcome/outcome.ts";
import { withoutTracing } from "../telemetry/suppress.ts";

/** The API of a collector, as an agent process needs it. */
export interface RemoteKnowledge extends KnowledgeFeed, TrialRations {
  feedback(feedback: Feedback): Promise<void>;
}

const counts = z.object({ given: z.number(), givenSuccess: z.number(), withheld: z.number(), withheldSuccess: z.number() });
const validation = z.object({
  itemId: z.string(),
  kind: z.enum(["statistical", "online", "human"]),
  decision: z.enum(["pass", "refuse", "inconclusive"]),
  wins: z.number(),
  contentDigest: z.string().exactOptional(),
});
const item = z.object({
  id: z.string(),
  type: z.enum(["skill", "checklist", "routing_rule", "anti_pattern", "code_template"]),
  content: z.string(),
  appliesWhen: z.string(),
  priority: z.enum(["pinned", "normal"]),
  status: z.literal("active"),
  createdAtUs: z.number(),
  counts,
  validation: validation.exactOptional(),
  agentName: z.string().exactOptional(),
  service: z.string().exactOptional(),
  model: z.string().exactOptional(),
  tenant: z.string().exactOptional(),
});
// Beside `item` and not in it: a process that knows nothing of trials reads over it.
const trial = item.extend({
  status: z.literal("candidate"),
  validation: validation.extend({
    online: z.object({ seed: z.string(), share: z.number(), endedAtUs: z.number().exactOptional() }).exactOptional(),
  }),
});
const granted = z.object({ granted: z.int().min(0) });
const answer: z.ZodType<KnowledgeChanges> = z.object({
  changes: z.array(z.object({ seq: z.number(), id: z.string(), item: item.exactOptional(), trial: trial.exactOptional() })),
  seq: z.number(),
  more: z.boolean(),
});

// 1,000 items of 8,192 characters, all that is searched of one, are half of it; anything above is not our collector.
const MAX_REPLY_CHARACTERS = 16_000_000;

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
    async knowledgeChanges(since, limit) {
      return answer.parse(JSON.parse(await call(`/api/v1/knowledge/changes?since=${since}&limit=${limit}`, { method: "GET" })));
    },
    async takeTrialRuns(seed, count) {
      const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ count }) };
      const answered = granted.parse(JSON.parse(await call(`/api/v1/knowledge/trials/${encodeURIComponent(seed)}/runs`, init)));
      return Math.min(answered.granted, count);
    },
    async feedback(feedback) {
      await call("/api/v1/feedback", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(feedback) });
    },
  };
}
