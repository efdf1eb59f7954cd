import type { Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { createAdaptorServer } from "@hono/node-server";
import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { fromUnknown, LearnError } from "../../src/base/error.ts";
import type { Injection } from "../../src/injection/injection.ts";
import { withQuarantine } from "../../src/knowledge/guards/guard-record.ts";
import { createBearerCheck } from "../bearer.ts";
import { closer, guardServer, serverOptions } from "../http/server.ts";
import type { Limits } from "../limits.ts";
import { type Listening, listen } from "../listen.ts";
import { apiStatus } from "../status.ts";
import { type TlsKeys, tlsServerOptions } from "../tls.ts";
import { createHostCheck } from "./host-check.ts";
import { parseChangesQuery, parseFeedback, parseItemsQuery, parseKnowledgeQuery, parseTracesQuery, parseTrialRuns } from "./parse.ts";
import type { ApiPorts } from "./ports.ts";

export interface ApiOptions {
  readonly ports: ApiPorts;
  /** The address it will listen on; default 127.0.0.1. */
  readonly host?: string;
  /** Names under which others reach it: a service name, a reverse proxy. */
  readonly allowedHosts?: readonly string[];
  /** When set, every path but /healthz needs `Authorization: Bearer <token>`. */
  readonly token?: string;
}

// Feedback is a number and a comment.
const MAX_BODY_BYTES = 256 * 1024;

/** The HTTP API. Sends no CORS headers, so pages of other origins cannot read it; other routes may be mounted on what it returns. */
export function createApi({ ports, host = "127.0.0.1", allowedHosts, token }: ApiOptions): Hono {
  // A page that rebinds a name to this machine does not know the token, and behind one others come by any name.
  const hostAllowed = token === undefined ? createHostCheck(host, allowedHosts) : () => true;
  const authorized = createBearerCheck(token);
  const app = new Hono();

  app.onError((caught, context) => answerError(context, fromUnknown(caught, "the request failed")));
  app.notFound((context) => answerError(context, new LearnError("not-found", `there is no ${context.req.method} ${context.req.path}`)));

  // Before the guards: probes reach it by any name and carry no token, and it tells nothing.
  app.get("/healthz", (context) => context.json({ status: "ok" }));

  app.use(async (context, next) => {
    context.header("x-content-type-options", "nosniff");
    context.header("cache-control", "no-store");
    const name = context.req.header("host") ?? new URL(context.req.url).host;
    if (!hostAllowed(name)) {
      const hint = "use localhost or the address it listens on, or set a token: then any name will do";
      return context.json(errorBody(new LearnError("invalid", "this host name is not allowed", { hint })), 403);
    }
    if (!authorized(context.req.header("authorization"))) {
      const error = new LearnError("invalid", "a token is needed", { hint: "send the header Authorization: Bearer <token>" });
      return context.json(errorBody(error), 401, { "www-authenticate": "Bearer" });
    }
    return next();
  });

  app.get("/api/v1/status", async (context) => context.json(await ports.status()));

  app.get("/api/v1/knowledge", async (context) => {
    const injection = await ports.knowledgeFor(parseKnowledgeQuery(context.req.query(), context.req.header("traceparent")));
    return context.json({
      text: injection.text,
      given: injection.given.map(({ id, priority, type, content }) => ({ id, priority, type, content })),
      withheld: injection.withheld.map(({ id, priority, type, content }) => ({ id, priority, type, content })),
      withholdProbability: injection.withholdProbability,
      ...(injection.arm === undefined ? {} : { arm: injection.arm, controlShare: injection.controlShare }),
      ...(injection.listed === undefined
        ? {}
        : { listed: injection.listed.map(({ id, priority, type, content, recalled }) => ({ id, priority, type, content, recalled })) }),
      ...(injection.canary === undefined ? {} : { canary: canaryBody(injection.canary) }),
      seed: injection.seed,
    });
  });

  // What an agent's process keeps in memory to answer from: it asks once for all and then for what changed.
  app.get("/api/v1/knowledge/changes", async (context) => {
    const { since, limit } = parseChangesQuery(context.req.query());
    return context.json(await ports.knowledgeChanges(since, limit));
  });

  // Answers that an agent's process may give with an item on trial in them; it asks ahead of its runs.
  app.post("/api/v1/knowledge/trials/:seed/runs", bodyLimit({ maxSize: MAX_BODY_BYTES, onError: refuseLargeBody }), async (context) => {
    const refused = refuseOtherThanJson(context);
    if (refused !== undefined) return refused;
    const { count } = parseTrialRuns(await jsonBody(context, '{"count": 1}'));
    return context.json({ granted: await ports.takeTrialRuns(context.req.param("seed"), count) });
  });

  app.post("/api/v1/feedback", bodyLimit({ maxSize: MAX_BODY_BYTES, onError: refuseLargeBody }), async (context) => {
    const refused = refuseOtherThanJson(context);
    if (refused !== undefined) return refused;
    await ports.addFeedback(parseFeedback(await jsonBody(context, '{"traceId": "...", "score": 1}')));
    return context.json({ stored: true });
  });

  app.get("/api/v1/traces", async (context) => context.json({ traces: await ports.listTraces(parseTracesQuery(context.req.query())) }));

  app.get("/api/v1/traces/:id", async (context) => context.json(await ports.getTrace(context.req.param("id"))));

  app.get("/api/v1/items", async (context) => {
    const items = await ports.listKnowledge(parseItemsQuery(context.req.query()));
    return context.json({ items: items.map(withQuarantine) });
  });

  app.get("/api/v1/items/:id/effect", async (context) => context.json(await ports.itemReport(context.req.param("id"))));

  app.get("/api/v1/ab-report", async (context) => context.json(await ports.abReport()));

  return app;
}

export interface StartApiOptions {
  readonly app: Hono;
  /** Default 127.0.0.1; the same as given to `createApi`. */
  readonly host?: string;
  readonly port: number;
  readonly limits: Limits;
  /** When set, nothing but TLS is spoken. */
  readonly tls?: TlsKeys;
}

/** Serves the app. Rejects "conflict" when the port is taken. */
export async function startApi({ app, host = "127.0.0.1", port, limits, tls }: StartApiOptions): Promise<Listening> {
  const bounds = serverOptions(limits);
  const secure = tls === undefined ? {} : { createServer: createTlsServer };
  const server = createAdaptorServer({
    fetch: app.fetch,
    overrideGlobalObjects: false,
    ...secure,
    serverOptions: tls === undefined ? bounds : { ...bounds, ...tlsServerOptions(tls, limits) },
  } as Parameters<typeof createAdaptorServer>[0]) as Server;
  guardServer(server, limits, (_httpStatus, message) => JSON.stringify(errorBody(new LearnError("invalid", message))));
  return { port: await listen(server, { host, port, what: "the API", flag: "--api-port" }), close: closer(server, limits) };
}

/** Its text goes out only where the run is given it. */
function canaryBody({ item, member, share }: NonNullable<Injection["canary"]>): object {
  return { item: { id: item.id, type: item.type, content: member ? item.content : "" }, member, share };
}

function answerError(context: Context, error: LearnError): Response {
  return context.json(errorBody(error), apiStatus(error.code));
}

function errorBody({ code, message, hint }: LearnError): { readonly error: { code: string; message: string; hint?: string } } {
  return { error: { code, message, ...(hint === undefined ? {} : { hint }) } };
}

function refuseLargeBody(context: Context): Response {
  return answerError(
    context,
    new LearnError("too-large", `the body has more than ${MAX_BODY_BYTES} bytes`, { hint: "shorten the comment" }),
  );
}

/** A page of another origin may post text/plain without asking first; JSON it may not. */
function refuseOtherThanJson(context: Context): Response | undefined {
  const type = context.req.header("content-type")?.split(";", 1)[0]?.trim().toLowerCase();
  if (type === "application/json") return undefined;
  return context.json(errorBody(new LearnError("invalid", "the content type is not supported", { hint: "send application/json" })), 415);
}

async function jsonBody(context: Context, example: string): Promise<unknown> {
  try {
    return await context.req.json();
  } catch (caught) {
    throw new LearnError("invalid", "the body is not JSON", { hint: `send ${example}`, cause: caught });
  }
}
