import { z } from "zod";
import { LearnError } from "../../src/base/error.ts";
import type { KnowledgeFilter } from "../../src/knowledge/ports.ts";
import type { Feedback } from "../../src/outcome/outcome.ts";
import type { Store } from "../../src/store/ports.ts";
import type { KnowledgeRequest } from "./ports.ts";

const limit = z.coerce.number().int().min(1).max(1_000).default(20);
const name = z.string().trim().min(1).max(200);
const traceId = z
  .string()
  .trim()
  .toLowerCase()
  .regex(/^[0-9a-f]{32}$/, "must be 32 hex characters");

// Unknown keys are errors everywhere: a misspelt filter would silently mean "all".
const knowledgeQuery = z
  .strictObject({
    task: z.string().min(1),
    agent: name.exactOptional(),
    service: name.exactOptional(),
    model: name.exactOptional(),
    tenant: name.exactOptional(),
    traceId: traceId.exactOptional(),
    conversation: name.exactOptional(),
  })
  .transform(agentAsAgentName);

const tracesQuery = z
  .strictObject({
    limit,
    status: z.enum(["success", "failure", "partial"]).exactOptional(),
    agent: name.exactOptional(),
    review: z.literal("true").exactOptional(),
  })
  .transform(({ review, ...rest }) => ({ ...agentAsAgentName(rest), ...(review === undefined ? {} : { review: true }) }));

const itemsQuery = z.strictObject({
  limit,
  status: z.enum(["candidate", "validated", "active", "deprecated", "archived"]).exactOptional(),
});

const changesQuery = z.strictObject({
  since: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(1_000).default(500),
});

const feedback = z.strictObject({
  traceId: z
    .string()
    .trim()
    .toLowerCase()
    .regex(/^[0-9a-f]{32}(-[0-9a-f]{16})?$/, "must be a trace id of 32 hex characters, or a run id"),
  score: z.number().min(0).max(1),
  comment: z.string().max(10_000).exactOptional(),
  source: name.exactOptional(),
});

// A process asks for a few at a time, so that little is lost with it.
const trialRuns = z.strictObject({ count: z.number().int().min(1).max(100) });

/** `task`, who asks (`agent`, `service`, `model`, `tenant`), `conversation`, `traceId`; without a `traceId` the one in the W3C `traceparent` header is taken. */
export function parseKnowledgeQuery(query: unknown, traceparent: string | undefined): KnowledgeRequest {
  const { conversation, ...rest } = parse(knowledgeQuery, query);
  const request = conversation === undefined ? rest : { ...rest, conversationId: conversation };
  const parent = traceIdOfParent(traceparent);
  return request.traceId === undefined && parent !== undefined ? { ...request, traceId: parent } : request;
}

export function parseTracesQuery(query: unknown): Parameters<Store["listTraces"]>[0] {
  return parse(tracesQuery, query);
}

export function parseItemsQuery(query: unknown): KnowledgeFilter {
  return parse(itemsQuery, query);
}

export function parseChangesQuery(query: unknown): { readonly since: number; readonly limit: number } {
  return parse(changesQuery, query);
}

export function parseTrialRuns(body: unknown): { readonly count: number } {
  return parse(trialRuns, body);
}

export function parseFeedback(body: unknown): Feedback {
  return parse(feedback, body);
}

function agentAsAgentName<Query extends { readonly agent?: string }>({
  agent,
  ...rest
}: Query): Omit<Query, "agent"> & { agentName?: string } {
  return agent === undefined ? rest : { ...rest, agentName: agent };
}

function traceIdOfParent(traceparent: string | undefined): string | undefined {
  const id = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/i.exec(traceparent ?? "")?.[1]?.toLowerCase();
  return id === undefined || /^0+$/.test(id) ? undefined : id;
}

function parse<Output>(schema: z.ZodType<Output>, value: unknown): Output {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => (path.length === 0 ? message : `${path.join(".")}: ${message}`));
  throw new LearnError("invalid", problems.join("; "), { hint: "correct the named fields and send the request again" });
}
