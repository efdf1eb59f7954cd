import { existsSync, readdirSync, statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { ReceiverReport, Store } from "../store/ports.ts";
import { spoolFolder } from "../store/spool.ts";
import { parseStoreUrl } from "../store/url.ts";
import { type Arrival, arrivalOf, emittersOf, isWhole } from "./arrival.ts";
import type { CommandContext } from "./context.ts";
import { refusedText } from "./diagnostics-text.ts";
import { runningOwner, storeFile } from "./running-owner.ts";

export interface Waited {
  readonly waitedMs: number;
  /** The newest trace with GenAI spans that came; absent when none did in time. */
  readonly arrived?: Arrival;
  /** What to check when none came, likeliest first; empty when one did. */
  readonly next: readonly string[];
}

interface Look {
  readonly arrived?: Arrival;
  readonly whole: boolean;
  /** Scopes of traces that came without any GenAI span. */
  readonly plain: readonly string[];
  readonly receiver?: ReceiverReport;
}

const LOOK_MS = 1_000;
const TRACES = 100;

/**
 * Waits until a trace with GenAI spans is in the store that was not there, or not so long, when `ready` was called; then for its root and the words of
 * its LLM calls, for at most the quiet time, since logs and spans come apart. Opens the store for each look only: who held it would keep an `agentlearn up`
 * that is started meanwhile from owning it.
 */
export async function waitForTrace(context: CommandContext, timeoutMs: number, ready: () => void): Promise<Waited> {
  const { config } = context;
  const watch = createWatch(config.store);
  const before = new Map<string, number>();
  if (watch.exists()) await context.withStore((opened) => remember(opened, before));
  watch.seen();
  ready();
  const started = performance.now();
  const left = (): number => timeoutMs - (performance.now() - started);
  let last: Look = { whole: false, plain: [] };
  // Of the first look and not of the start: the receiver tells once a second, and this command has just knocked at its ports itself.
  let refusedBefore: ReceiverReport | undefined;
  let settleBy = Number.POSITIVE_INFINITY;
  while (left() > 0 && !last.whole && performance.now() < settleBy) {
    await sleep(Math.max(0, Math.min(LOOK_MS, left())));
    if (!watch.mayHaveChanged()) continue;
    last = await context.withStore((opened) => look(opened, before));
    watch.seen();
    refusedBefore ??= last.receiver;
    if (last.arrived !== undefined && settleBy === Number.POSITIVE_INFINITY) settleBy = performance.now() + config.quietMs;
  }
  const waitedMs = Math.round(performance.now() - started);
  if (last.arrived !== undefined) return { waitedMs, arrived: last.arrived, next: [] };
  return { waitedMs, next: nextSteps(context, last, refusedBefore) };
}

async function remember(opened: Store, before: Map<string, number>): Promise<void> {
  for (const { traceId, lastArrivalUs } of await opened.recentTraces(TRACES)) before.set(traceId, lastArrivalUs);
}

async function look(opened: Store, before: ReadonlyMap<string, number>): Promise<Look> {
  const { receiver } = await opened.diagnostics();
  const plain = new Set<string>();
  for (const { traceId, lastArrivalUs } of await opened.recentTraces(TRACES)) {
    if (before.get(traceId) === lastArrivalUs) continue;
    const batch = await opened.spansOf(traceId);
    const arrived = arrivalOf(traceId, batch);
    if (arrived !== undefined)
      return { arrived, whole: isWhole(batch, arrived), plain: [], ...(receiver === undefined ? {} : { receiver }) };
    for (const { scope } of emittersOf(batch)) plain.add(scope);
  }
  return { whole: false, plain: [...plain], ...(receiver === undefined ? {} : { receiver }) };
}

interface Watch {
  exists(): boolean;
  /** False when certainly nobody wrote since `seen`. */
  mayHaveChanged(): boolean;
  seen(): void;
}

/** While nobody owns a file, looking takes its lock for a moment; so it is looked at only when its files say that something came. */
function createWatch(url: string): Watch {
  const remote = parseStoreUrl(url).kind === "remote";
  let stamp = "";
  const stampOf = (path: string): string => ["", "-wal"].map((end) => modifiedMs(path + end)).join();
  return {
    exists: () => remote || storeFile(url) !== undefined,
    mayHaveChanged() {
      if (remote) return true;
      const path = storeFile(url);
      if (path === undefined) return false;
      return runningOwner(path) !== undefined || hasSpooled(path) || stampOf(path) !== stamp;
    },
    seen() {
      const path = remote ? undefined : storeFile(url);
      stamp = path === undefined ? "" : stampOf(path);
    },
  };
}

function modifiedMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function hasSpooled(path: string): boolean {
  const folder = spoolFolder(path);
  return existsSync(folder) && readdirSync(folder).some((name) => name.endsWith(".batch"));
}

function nextSteps({ config }: CommandContext, { plain, receiver }: Look, before: ReceiverReport | undefined): readonly string[] {
  const path = storeFile(config.store);
  const owner = path === undefined ? undefined : runningOwner(path);
  const endpoint = `http${config.tlsCertFile === undefined ? "" : "s"}://${config.host}:${config.otlpHttpPort}`;
  const refused = refusedText(since(receiver, before));
  const steps: string[] = [];
  if (plain.length > 0) {
    const names = plain.map((scope) => (scope === "" ? "one without a name" : scope)).join(", ");
    steps.push(
      `spans came from ${names}, none of them about a model or an agent: load an instrumentation for your model client or framework`,
    );
  }
  if (refused !== "")
    steps.push(`the receiver refused${refused.replace(/^,/, "")}: 401 and grpc 16 want the token, 400 and 415 another encoding or path`);
  if (owner === undefined && path !== undefined)
    steps.push("no collector owns this store: start `agentlearn up`, or give the store to AgentLearnSpanProcessor");
  if (path === undefined && parseStoreUrl(config.store).kind === "file")
    steps.push(`there is still no store at ${config.store}: start \`agentlearn up\` there, or name the right one with --store`);
  steps.push(
    `where the agent runs: OTEL_EXPORTER_OTLP_ENDPOINT=${endpoint}, or whatever address \`agentlearn up\` printed, and no OTEL_TRACES_EXPORTER=none or OTEL_SDK_DISABLED`,
    "the agent's process must flush before it ends: await provider.forceFlush() or shutdown()",
    "an unsampled run is never sent: OTEL_TRACES_SAMPLER",
  );
  return steps;
}

/** Refusals that came while we watched. */
function since(now: ReceiverReport | undefined, before: ReceiverReport | undefined): { readonly [answer: string]: number } {
  const counts = Object.entries(now?.refused ?? {}).map(([answer, count]) => [answer, count - (before?.refused[answer] ?? 0)] as const);
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}
