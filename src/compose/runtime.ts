import { createKnowledgeReplica, type KnowledgeReplica } from "../retrieval/replica.ts";
import type { SpanSink } from "../span/ports.ts";
import { openWriter, type Writer } from "../store/open.ts";
import type { RetentionOptions, Store } from "../store/ports.ts";
import { createReporter } from "../telemetry/report.ts";
import { shippedModel } from "./shipped-model.ts";

/** Where a process sends its spans: a store it may own, or a collector elsewhere. */
export type Target = { readonly store: string } | { readonly endpoint: string; readonly headers?: Readonly<Record<string, string>> };

export interface RuntimeOptions {
  /** Said to others who find the store owned, e.g. "agent my-service". */
  readonly name: string;
  readonly mode?: "own" | "share";
  readonly quietMs?: number;
  readonly idleMs?: number;
  /** continuous: the thread maps and assembles as spans come. on-demand: only when somebody drains. */
  readonly ingest: "continuous" | "on-demand";
  /** Ages applied while ingest is continuous. Without it nothing is deleted unasked. */
  readonly retention?: RetentionOptions;
  /** What an owner does with a damaged file: refuse it with a hint, or set it aside and begin a new one. Default refuse. */
  readonly ifDamaged?: "refuse" | "set-aside";
  /** Told once of each fault nobody waits for. Default: the diagnostics of OpenTelemetry. */
  readonly report?: (message: string) => void;
}

/** The collector at `endpoint`, with the token it asks for. */
export function endpointTarget(endpoint: string, { token }: { readonly token?: string | undefined }): Target {
  return token === undefined ? { endpoint } : { endpoint, headers: { authorization: `Bearer ${token}` } };
}

/** A share of the one writer thread that this process keeps per target. */
export interface Runtime {
  readonly sink: SpanSink;
  /** Rejects "invalid" on every call when the target is an endpoint: there is no store on this side. */
  readonly store: Store;
  /** The copy of the store's knowledge in this process, shared as the thread is. Reads nothing before the first question; knows of changes made through `store`. */
  readonly knowledge: KnowledgeReplica;
  /** Gives the share back; the last one flushes within the deadline and ends the thread. Safe twice. */
  release(timeoutMs?: number): Promise<void>;
}

interface Entry {
  readonly writer: Writer;
  readonly store: Store;
  readonly knowledge: KnowledgeReplica;
  shares: number;
}

// Per process and target: a span processor, a log processor and a learner of one process share one thread and one connection.
const writers = new Map<string, Entry>();

/** Opens, or joins, the writer of a target. Cheap and synchronous: the thread opens the file on its own time. */
export function acquireRuntime(target: Target, options: RuntimeOptions): Runtime {
  const key = "store" in target ? `store ${target.store}` : `endpoint ${JSON.stringify(target)}`;
  const entry = writers.get(key) ?? openEntry(target, options);
  writers.set(key, entry);
  entry.shares += 1;
  let released = false;
  return {
    sink: entry.writer.sink,
    store: entry.store,
    knowledge: entry.knowledge,
    async release(timeoutMs = 5_000) {
      if (released) return;
      released = true;
      entry.shares -= 1;
      if (entry.shares > 0) {
        await entry.writer.sink.flush(timeoutMs);
        return;
      }
      writers.delete(key);
      entry.knowledge.close();
      await entry.writer.close(timeoutMs);
    },
  };
}

function openEntry(target: Target, options: RuntimeOptions): Entry {
  const reporter = createReporter("writer");
  const writer = openWriter({
    report: (message) => reporter.failure(message),
    ...("store" in target ? { url: target.store } : target),
    mode: "share",
    ...options,
  });
  const { store } = writer;
  const knowledge = createKnowledgeReplica({ feed: store, search: store, vectors: store, model: shippedModel, embedsItems: true });
  return { writer, store: tellingOfChanges(store, () => knowledge.changed()), knowledge, shares: 0 };
}

/** What this process changes is in its next answer, and not a second later. */
function tellingOfChanges(store: Store, changed: () => void): Store {
  const told =
    <Args extends readonly unknown[], Result>(method: (...args: Args) => Promise<Result>) =>
    (...args: Args): Promise<Result> =>
      method(...args).finally(changed);
  return {
    ...store,
    propose: told(store.propose),
    saveItem: told(store.saveItem),
    saveItems: told(store.saveItems),
    saveItemsBehind: told(store.saveItemsBehind),
    removeItem: told(store.removeItem),
  };
}
