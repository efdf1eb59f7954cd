import { isIP } from "node:net";
import { systemClock } from "../src/base/clock.ts";
import { newTraceId } from "../src/base/id.ts";
import { injectionFrom } from "../src/compose/injection-from.ts";
import { checkLearnSchedule, startLearnLoop } from "../src/compose/learn-loop.ts";
import { acquireRuntime, type Runtime } from "../src/compose/runtime.ts";
import type { Config } from "../src/config/config.ts";
import { loadConfig } from "../src/config/load-config.ts";
import { drawSeed } from "../src/injection/assign.ts";
import { createTrialDesk } from "../src/injection/trial-desk.ts";
import { onlineSetting } from "../src/knowledge/online-setting.ts";
import { readAbReport, readItemReport } from "../src/learner/effects.ts";
import type { Store } from "../src/store/ports.ts";
import type { ApiPorts } from "./api/ports.ts";
import { checkBind } from "./bind-rule.ts";
import { createBufferBudget } from "./buffer-budget.ts";
import { receiverReport } from "./counts.ts";
import { limitsFor } from "./limits.ts";
import { createOtlpHandler, type OtlpHandler } from "./request.ts";
import { readTlsKeys } from "./tls.ts";

/** What `startCollector` may be told; the rest comes from AGENTLEARN_* and the defaults. */
export type CollectorOptions = Partial<Config>;

/** What code may pass besides settings. */
export interface CollectorHooks {
  /** Told in words of what happened behind the answers: a damaged file that was set aside, a fault of the thread. Default: the host's `diag`. */
  readonly report?: (message: string) => void;
}

/** A running collector. All ports are the real ones, also where 0 was asked for. */
export interface Collector {
  readonly otlpHttpUrl: string;
  readonly otlpGrpcUrl: string;
  readonly apiUrl: string;
  readonly store: Store;
  /** Stops listening, answers what is in flight, flushes, and lets go of the store. Safe twice. */
  close(): Promise<void>;
}

/**
 * Starts the receiver (OTLP/HTTP and OTLP/gRPC), the API and the learner loop on one store.
 * Listens on loopback; elsewhere only with a token, or with `allowOpenBind`. Rejects "invalid" for what cannot be meant so, "conflict" when a
 * port is busy or another process owns the store, "unavailable" when the store can't be written; nothing is left running then.
 */
export async function startCollector(options: CollectorOptions = {}, hooks: CollectorHooks = {}): Promise<Collector> {
  const config = loadConfig({ code: options, env: process.env });
  checkBind(config);
  checkLearnSchedule(config);
  const tls = readTlsKeys(config);
  const limits = limitsFor(config);
  const guard = { ...(config.token === undefined ? {} : { token: config.token }) };
  const runtime = acquireRuntime(
    { store: config.store },
    {
      name: "agentlearn up",
      mode: "own",
      quietMs: config.quietMs,
      idleMs: config.idleMs,
      ingest: "continuous",
      retention: { rawRetentionDays: config.rawRetentionDays, traceRetentionDays: config.traceRetentionDays },
      // Refusing to start would lose what agents send now on top of what is damaged.
      ifDamaged: "set-aside",
      ...hooks,
    },
  );
  const { store } = runtime;
  const closers: (() => Promise<void>)[] = [() => runtime.release()];
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= (async () => {
      for (const step of closers.reverse()) await step();
    })();
    return closed;
  };
  try {
    // The first call starts the thread and opens the file; what listens is loaded meanwhile. An owned, read-only or corrupt store fails here, before a
    // port is taken.
    const [{ startHttpReceiver }, { startGrpcReceiver }, { createApi, startApi }] = await Promise.all([
      import("./http/receiver.ts"),
      import("./grpc/receiver.ts"),
      import("./api/app.ts"),
      store.status(),
    ]);
    const handle = createOtlpHandler({ append: (bodies) => store.appendBodies(bodies), clock: systemClock, limits });
    const common = {
      host: config.host,
      limits,
      budget: createBufferBudget(limits.maxBufferedBytes),
      ...(tls === undefined ? {} : { tls }),
    };
    const http = await startHttpReceiver({
      ...common,
      ...guard,
      handle,
      port: config.otlpHttpPort,
      corsOrigins: listOf(config.corsOrigins),
    });
    closers.push(() => http.close());
    const grpc = await startGrpcReceiver({ ...common, ...guard, handle, port: config.otlpGrpcPort });
    closers.push(() => grpc.close());
    const app = createApi({ ports: apiPorts(runtime, config, handle), host: config.host, ...guard });
    const api = await startApi({ ...common, app, port: config.apiPort });
    closers.push(() => api.close());
    closers.push(startLearnLoop({ store, config }));
    closers.push(startTelling(store, handle));
    const origin = (port: number) => `${tls === undefined ? "http" : "https"}://${urlHost(config.host)}:${port}`;
    return { otlpHttpUrl: origin(http.port), otlpGrpcUrl: origin(grpc.port), apiUrl: origin(api.port), store, close };
  } catch (caught) {
    await close();
    throw caught;
  }
}

function listOf(commaList: string | undefined): readonly string[] {
  return (commaList ?? "").split(",").flatMap((part) => (part.trim() === "" ? [] : [part.trim()]));
}

function urlHost(host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host;
}

function apiPorts({ store, knowledge }: Runtime, config: Config, handle: OtlpHandler): ApiPorts {
  const setting = onlineSetting(config);
  const trials = setting === undefined ? undefined : createTrialDesk({ setting, items: () => knowledge.trialItems(), rations: store });
  const injection = injectionFrom({ search: knowledge, vectors: knowledge, library: store }, config, undefined, trials);
  return {
    status: async () => {
      const [status, { receiver: _told, ...diagnostics }] = await Promise.all([store.status(), store.diagnostics()]);
      return { ...status, diagnostics, receiver: handle.counts() };
    },
    knowledgeFor: ({ traceId = newTraceId(), conversationId, ...request }) =>
      injection({ ...request, seed: drawSeed({ conversationId, traceId }) }),
    abReport: () => readAbReport(store, config.effectAlpha),
    itemReport: async (id) => readItemReport(store, await store.getKnowledgeItem(id), config.effectAlpha),
    addFeedback: (feedback) => store.addFeedback(feedback),
    listTraces: (filter) => store.listTraces(filter),
    getTrace: (id) => store.getTrace(id),
    listKnowledge: (filter) => store.listKnowledge(filter),
    knowledgeChanges: async (since, limit) => {
      const answer = await store.knowledgeChanges(since, limit);
      return setting === undefined ? { ...answer, changes: answer.changes.map(({ trial: _untested, ...change }) => change) } : answer;
    },
    takeTrialRuns: async (seed, count) => (setting === undefined ? 0 : store.takeTrialRuns(seed, count)),
  };
}

const TELL_MS = 1_000;

/** Other processes ask the store and not the receiver: `agentlearn doctor` hears of refused requests this way, whatever the ports and the token are. */
function startTelling(store: Store, handle: OtlpHandler): () => Promise<void> {
  let said = "";
  const tell = () => {
    const report = receiverReport(handle.counts());
    const text = JSON.stringify(report);
    if (text === said) return;
    said = text;
    // What was not told now is told with the next change; the thread that did not take it says itself what is wrong.
    store.noteReceiver(report).catch(() => undefined);
  };
  tell();
  const timer = setInterval(tell, TELL_MS);
  timer.unref();
  return async () => clearInterval(timer);
}
