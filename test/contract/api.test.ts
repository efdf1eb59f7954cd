import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { type ApiOptions, createApi, startApi } from "../../collector/api/app.ts";
import type { ApiPorts, KnowledgeRequest } from "../../collector/api/ports.ts";
import { defaultLimits } from "../../collector/limits.ts";
import { LearnError } from "../../src/base/error.ts";
import type { ItemReport } from "../../src/knowledge/ab-report.ts";
import { contentDigest } from "../../src/knowledge/evidence.ts";
import type { InjectableItem } from "../../src/knowledge/injectable.ts";
import type { KnowledgeItem } from "../../src/knowledge/knowledge-item.ts";
import type { StoreStatus } from "../../src/store/ports.ts";
import type { Trace, TraceSummary } from "../../src/trace/trace.ts";
import { anItem } from "../support/an-item.ts";

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
const RUN_ID = `${TRACE_ID}-b7ad6b7169203331`;

const item = { id: "item-1", type: "skill", content: "Use ISO dates.", status: "active" } as KnowledgeItem;
const held = { id: "item-2", type: "checklist", content: "Check the unit.", status: "active" } as KnowledgeItem;

/** The app over ports that write down what they were asked. */
function anApi(overrides: Partial<ApiPorts> = {}, options: Partial<ApiOptions> = {}) {
  const asked: unknown[] = [];
  const note = <Result>(result: Result) => {
    return async (argument?: unknown): Promise<Result> => {
      asked.push(argument);
      return result;
    };
  };
  const injection = {
    text: "Use ISO dates.",
    given: [item as unknown as InjectableItem],
    withheld: [held as unknown as InjectableItem],
    withholdProbability: 0.2,
    seed: TRACE_ID,
  };
  const ports: ApiPorts = {
    status: note({ schemaVersion: 1, evalCases: 2 } as StoreStatus),
    knowledgeFor: note(injection),
    addFeedback: note(undefined),
    listTraces: note([{ id: RUN_ID, task: "a task" } as TraceSummary]),
    getTrace: note({ id: RUN_ID, task: "a task" } as Trace),
    listKnowledge: note([item]),
    abReport: note({ alpha: 0.05, items: [], warnings: ["control group: mismatch"] }),
    itemReport: note({ itemId: "item-1", summary: "nothing known" } as ItemReport),
    takeTrialRuns: async (seed, count) => {
      asked.push({ seed, count });
      return 2;
    },
    knowledgeChanges: async (since, limit) => {
      asked.push({ since, limit });
      return { changes: [{ seq: 7, id: "item-9" }], seq: 7, more: true };
    },
    ...overrides,
  };
  const app = createApi({ ports, ...options });
  const get = (path: string, headers: Record<string, string> = {}) => app.request(`http://localhost:4320${path}`, { headers });
  const feedback = (body: unknown, headers: Record<string, string> = { "content-type": "application/json" }) => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    return app.request("http://localhost:4320/api/v1/feedback", { method: "POST", body: text, headers });
  };
  return { app, asked, get, feedback };
}

type ErrorBody = { readonly error: { readonly code: string; readonly message: string; readonly hint?: string } };

async function errorOf(response: Response): Promise<[status: number, code: string, message: string]> {
  const { error } = (await response.json()) as ErrorBody;
  return [response.status, error.code, error.message];
}

test("says of a listed item that it is quarantined and why, and whose words it has", async () => {
  const poisoned = anItem();
  const answers = [{ guard: "links", decision: "quarantine", reason: "names a host" } as const];
  const record = {
    contentDigest: contentDigest(poisoned),
    taint: ["tool"],
    principals: 1,
    sources: 1,
    missing: 0,
    provenance: [],
    guards: answers,
  } as const;
  const { get } = anApi({ listKnowledge: async () => [{ ...poisoned, guards: record }, anItem({ id: "clean" })] });
  const { items } = (await (await get("/api/v1/items")).json()) as { items: readonly Record<string, unknown>[] };
  expect(items.map(({ quarantined, guards }) => [quarantined, guards])).toEqual([
    ["it names a host (links)", record],
    [undefined, undefined],
  ]);
});

test("tells the effect of everything, and of one item by its id", async () => {
  const { get, asked } = anApi();
  expect(await (await get("/api/v1/ab-report")).json()).toEqual({ alpha: 0.05, items: [], warnings: ["control group: mismatch"] });
  expect(await (await get("/api/v1/items/item-1/effect")).json()).toEqual({ itemId: "item-1", summary: "nothing known" });
  expect(asked.at(-1)).toBe("item-1");
});

test("takes the conversation that seeds the draw", async () => {
  const { get, asked } = anApi();
  await get("/api/v1/knowledge?task=weigh&conversation=chat-7");
  expect(asked).toEqual([{ task: "weigh", conversationId: "chat-7" }]);
});

test("takes who asks: agent, service, model and tenant", async () => {
  const { get, asked } = anApi();
  await get("/api/v1/knowledge?task=weigh&agent=clerk&service=shop&model=small&tenant=north");
  expect(asked).toEqual([{ task: "weigh", agentName: "clerk", service: "shop", model: "small", tenant: "north" }]);
});

test("tells that it is up, to probes by any name and without a token", async () => {
  const { get } = anApi({}, { token: "secret" });
  const response = await get("/healthz", { host: "10.1.2.3:4320" });
  expect([response.status, await response.json()]).toEqual([200, { status: "ok" }]);
});

test("gives the status of the store", async () => {
  expect(await (await anApi().get("/api/v1/status")).json()).toEqual({ schemaVersion: 1, evalCases: 2 });
});

describe("knowledge", () => {
  test("is the text with what was given and withheld, and no more of the items than a run needs", async () => {
    const { get, asked } = anApi();
    const response = await get(`/api/v1/knowledge?task=What%20day%20is%20it%3F&agent=clerk&traceId=${TRACE_ID.toUpperCase()}`);
    expect(await response.json()).toEqual({
      text: "Use ISO dates.",
      given: [{ id: "item-1", type: "skill", content: "Use ISO dates." }],
      withheld: [{ id: "item-2", type: "checklist", content: "Check the unit." }],
      withholdProbability: 0.2,
      seed: TRACE_ID,
    });
    expect(asked).toEqual([{ task: "What day is it?", agentName: "clerk", traceId: TRACE_ID }]);
  });

  test("takes the trace from traceparent, unless it is broken or all zero", async () => {
    const { get, asked } = anApi();
    for (const traceparent of [`00-${TRACE_ID}-b7ad6b7169203331-01`, "00-xyz", `00-${"0".repeat(32)}-b7ad6b7169203331-01`]) {
      await get("/api/v1/knowledge?task=x", { traceparent });
    }
    expect(asked.map((request) => (request as KnowledgeRequest).traceId)).toEqual([TRACE_ID, undefined, undefined]);
  });

  test.each([
    ["", "task"],
    ["?task=", "task"],
    ["?task=x&traceId=abc", "traceId"],
    ["?task=x&agnet=y", "agnet"],
    ["?task=x&tenant=", "tenant"],
    ["?task=x&tenants=y", "tenants"],
  ])("refuses %s and names what is wrong", async (query, field) => {
    const { get, asked } = anApi();
    expect(await errorOf(await get(`/api/v1/knowledge${query}`))).toEqual([400, "invalid", expect.stringContaining(field)]);
    expect(asked).toEqual([]);
  });
});

describe("changes of the knowledge", () => {
  test("are what the store tells, from the start unless it is said", async () => {
    const { get, asked } = anApi();
    expect(await (await get("/api/v1/knowledge/changes")).json()).toEqual({ changes: [{ seq: 7, id: "item-9" }], seq: 7, more: true });
    await get("/api/v1/knowledge/changes?since=7&limit=3");
    expect(asked).toEqual([
      { since: 0, limit: 500 },
      { since: 7, limit: 3 },
    ]);
  });

  test.each(["since=-1", "since=x", "limit=0", "limit=1001", "sicne=1"])("are refused for %s", async (query) => {
    const { get, asked } = anApi();
    expect((await errorOf(await get(`/api/v1/knowledge/changes?${query}`)))[0]).toBe(400);
    expect(asked).toEqual([]);
  });
});

describe("answers of a trial", () => {
  const post = (app: ReturnType<typeof anApi>["app"], body: string, type = "application/json") =>
    app.request("http://localhost:4320/api/v1/knowledge/trials/trial-1/runs", { method: "POST", body, headers: { "content-type": type } });

  test("are those that the store grants", async () => {
    const { app, asked } = anApi();
    expect(await (await post(app, '{"count": 4}')).json()).toEqual({ granted: 2 });
    expect(asked).toEqual([{ seed: "trial-1", count: 4 }]);
  });

  test.each(['{"count": 0}', '{"count": 101}', '{"count": 1.5}', '{"coutn": 1}', "{}", "{"])("are refused for %s", async (body) => {
    const { app, asked } = anApi();
    expect((await errorOf(await post(app, body)))[0]).toBe(400);
    expect(asked).toEqual([]);
  });

  test("are refused as text/plain, which a page of another origin could send", async () => {
    const { app, asked } = anApi();
    expect([(await post(app, '{"count": 1}', "text/plain")).status, asked]).toEqual([415, []]);
  });
});

describe("feedback", () => {
  test("is stored as given, for a trace id or a run id", async () => {
    const { feedback, asked } = anApi();
    const full = { traceId: RUN_ID, score: 0.5, comment: "so-so", source: "clerk" };
    expect((await feedback({ traceId: TRACE_ID.toUpperCase(), score: 1 })).status).toBe(200);
    expect(await (await feedback(full)).json()).toEqual({ stored: true });
    expect(asked).toEqual([{ traceId: TRACE_ID, score: 1 }, full]);
  });

  test.each([
    ["a score above 1", { traceId: TRACE_ID, score: 1.01 }, "score"],
    ["a score below 0", { traceId: TRACE_ID, score: -1 }, "score"],
    ["a score in words", { traceId: TRACE_ID, score: "1" }, "score"],
    ["a broken trace id", { traceId: "abc", score: 1 }, "traceId"],
    ["a misspelt key", { traceId: TRACE_ID, score: 1, commment: "x" }, "commment"],
    ["what is not JSON", "{", "JSON"],
  ])("is refused for %s", async (_what, body, word) => {
    const { feedback, asked } = anApi();
    expect(await errorOf(await feedback(body))).toEqual([400, "invalid", expect.stringContaining(word)]);
    expect(asked).toEqual([]);
  });

  test("is refused as text/plain, which a page of another origin could send", async () => {
    const { feedback, asked } = anApi();
    const response = await feedback({ traceId: TRACE_ID, score: 1 }, { "content-type": "text/plain" });
    expect(await errorOf(response)).toEqual([415, "invalid", "the content type is not supported"]);
    expect(asked).toEqual([]);
  });

  test("is refused above 256 KiB", async () => {
    const { feedback } = anApi();
    const response = await feedback({ traceId: TRACE_ID, score: 1, comment: "x".repeat(300_000) });
    expect((await errorOf(response)).slice(0, 2)).toEqual([413, "too-large"]);
  });
});

describe("lists", () => {
  test("of traces are filtered", async () => {
    const { get, asked } = anApi();
    expect(await (await get("/api/v1/traces?limit=5&status=failure&agent=clerk")).json()).toEqual({
      traces: [{ id: RUN_ID, task: "a task" }],
    });
    await get("/api/v1/traces?review=true");
    await get("/api/v1/traces");
    expect(asked).toEqual([{ limit: 5, status: "failure", agentName: "clerk" }, { limit: 20, review: true }, { limit: 20 }]);
  });

  test("of items are filtered", async () => {
    const { get, asked } = anApi();
    expect(await (await get("/api/v1/items?status=active")).json()).toMatchObject({ items: [{ id: "item-1" }] });
    expect(asked).toEqual([{ limit: 20, status: "active" }]);
  });

  test.each([
    "traces?limit=0",
    "traces?limit=1001",
    "traces?limit=x",
    "traces?status=good",
    "traces?review=maybe",
    "items?status=live",
    "items?sort=asc",
  ])("refuse %s", async (path) => {
    expect((await anApi().get(`/api/v1/${path}`)).status).toBe(400);
  });

  test("one trace comes by its id", async () => {
    const { get, asked } = anApi();
    expect(await (await get(`/api/v1/traces/${RUN_ID}`)).json()).toEqual({ id: RUN_ID, task: "a task" });
    expect(asked).toEqual([RUN_ID]);
  });
});

describe("errors", () => {
  test.each([
    ["invalid", 400],
    ["not-found", 404],
    ["conflict", 409],
    ["too-large", 413],
    ["unavailable", 503],
    ["timeout", 503],
    ["cancelled", 503],
    ["internal", 500],
  ] as const)("of code %s become %i with message and hint", async (code, status) => {
    const { get } = anApi({ status: () => Promise.reject(new LearnError(code, "what happened", { hint: "do this" })) });
    const response = await get("/api/v1/status");
    expect([response.status, await response.json()]).toEqual([status, { error: { code, message: "what happened", hint: "do this" } }]);
  });

  test("nobody foresaw are internal", async () => {
    const { get } = anApi({ status: () => Promise.reject(new TypeError("boom")) });
    expect(await errorOf(await get("/api/v1/status"))).toEqual([500, "internal", "the request failed: boom"]);
  });

  test("name a path that is not there", async () => {
    expect(await errorOf(await anApi().get("/api/v2/x"))).toEqual([404, "not-found", "there is no GET /api/v2/x"]);
  });
});

describe("the Host header", () => {
  test.each(["localhost", "localhost:4320", "127.0.0.1:9", "[::1]:4320", "LOCALHOST"])("may be %s", async (host) => {
    expect((await anApi().get("/api/v1/status", { host })).status).toBe(200);
  });

  test.each(["evil.example", "localhost.evil.example", "192.168.1.5", "evil.example:4320@localhost", "", "a b"])(
    "may not be %j",
    async (host) => {
      const { get, asked } = anApi();
      expect((await get("/api/v1/status", { host })).status).toBe(403);
      expect(asked).toEqual([]);
    },
  );

  test("may be the bound host, an allowed name, or any number when bound everywhere", async () => {
    const status = async (options: Partial<ApiOptions>, host: string) => (await anApi({}, options).get("/api/v1/status", { host })).status;
    expect(await status({ host: "192.168.1.5" }, "192.168.1.5:4320")).toBe(200);
    expect(await status({ host: "fd00::5" }, "[fd00::5]:4320")).toBe(200);
    expect(await status({ allowedHosts: ["learn.internal"] }, "learn.internal")).toBe(200);
    expect(await status({ host: "0.0.0.0" }, "10.0.0.7:4320")).toBe(200);
    expect(await status({ host: "0.0.0.0" }, "evil.example")).toBe(403);
  });
});

test("sends no CORS headers and lets nothing be cached", async () => {
  const response = await anApi().get("/api/v1/status", { origin: "https://evil.example" });
  expect(response.headers.get("access-control-allow-origin")).toBeNull();
  expect(response.headers.get("cache-control")).toBe("no-store");
});

test("asks for the token when there is one", async () => {
  const { get } = anApi({}, { token: "secret" });
  const statuses = await Promise.all(
    [undefined, "Bearer wrong", "secret", "Bearer secret"].map(async (value) => {
      return (await get("/api/v1/status", value === undefined ? {} : { authorization: value })).status;
    }),
  );
  expect(statuses).toEqual([401, 401, 401, 200]);
});

describe("served", () => {
  test("answers over HTTP, refuses a busy port by name, and closes twice", async () => {
    const { app } = anApi();
    const listening = await startApi({ app, port: 0, limits: defaultLimits });
    const response = await fetch(`http://127.0.0.1:${listening.port}/api/v1/status`);
    expect([response.status, await response.json()]).toEqual([200, { schemaVersion: 1, evalCases: 2 }]);
    await expect(startApi({ app, port: listening.port, limits: defaultLimits })).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringContaining(`port ${listening.port} on 127.0.0.1`),
    });
    await Promise.all([listening.close(), listening.close()]);
    await expect(fetch(`http://127.0.0.1:${listening.port}/healthz`)).rejects.toThrow();
  });

  test("turns away a rebound name and broken hosts on the wire", async () => {
    const { app, asked } = anApi();
    const listening = await startApi({ app, port: 0, limits: defaultLimits });
    const statusFor = (host: string) =>
      new Promise<string>((resolve) => {
        const socket = connect(listening.port, "127.0.0.1");
        socket.once("data", (chunk) => {
          resolve(chunk.toString().slice(9, 12));
          socket.destroy();
        });
        socket.write(`GET /api/v1/status HTTP/1.1\r\n${host}\r\n\r\n`);
      });
    expect(await statusFor("Host: evil.example")).toBe("403");
    expect(await statusFor("Host: evil.example/@localhost")).toMatch(/^4/);
    expect(await statusFor("X: no host")).toBe("400");
    expect(asked).toEqual([]);
    await listening.close();
  });
});
