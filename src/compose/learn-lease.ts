import { setMaxListeners } from "node:events";
import { readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { LearnError } from "../base/error.ts";
import { newId } from "../base/id.ts";
import { createLeaseHolder } from "../store/lease-holder.ts";
import type { LeaseStore } from "../store/ports.ts";

export interface LearnLeaseOptions {
  readonly store: LeaseStore;
  /** As the others are told of it, like "agentlearn learn". */
  readonly who: string;
  /** How long to wait for another learner. Default 25,000: longer than one that died on another machine keeps its lease. */
  readonly waitMs?: number;
  /** Told once whom it waits for. */
  readonly onWait?: (holder: string) => void;
  readonly signal?: AbortSignal;
}

// One learner a store: all of its tests share one error budget, and one place in that stream must not be given to two.
const NAME = "learn:all";
const TERM_MS = 20_000;
const ASK_AGAIN_MS = 250;

/**
 * Does `work` while no other process learns on this store. Rejects "conflict" naming the learner that goes on longer than one waits for it; one of this
 * machine that died is not waited for. When the lease is lost, as by a machine that slept, the signal of `work` aborts.
 */
export async function underLearnLease<T>(options: LearnLeaseOptions, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { store, who, waitMs = 25_000, signal } = options;
  const lease = createLeaseHolder({ leases: store, name: NAME, holder: `${who} | ${process.pid} ${machine()} ${newId()}`, forMs: TERM_MS });
  const lost = new AbortController();
  let watching: NodeJS.Timeout | undefined;
  try {
    const until = performance.now() + waitMs;
    for (let told = false; !(await lease.takeNow()); ) {
      const holder = await store.leaseHolder(NAME);
      if (holder !== undefined && isDead(holder)) {
        await store.releaseLease(NAME, holder);
      }
      if (performance.now() >= until && holder !== undefined && !isDead(holder)) throw held(holder);
      if (!told && holder !== undefined && !isDead(holder)) {
        options.onWait?.(shown(holder));
        told = true;
      }
      await sleep(ASK_AGAIN_MS, undefined, signal === undefined ? {} : { signal }).catch((cause: unknown) => {
        throw new LearnError("cancelled", "waiting for another learner was cancelled", { cause });
      });
    }
    watching = setInterval(() => {
      lease.isHeld().then(
        (isHeld) => {
          if (!isHeld) lost.abort(new LearnError("conflict", "another process took over learning on this store"));
        },
        () => undefined,
      );
    }, TERM_MS / 4);
    watching.unref();
    const working = signal === undefined ? lost.signal : AbortSignal.any([signal, lost.signal]);
    // Every run of the agent and every call of a model that is under way listens; Node takes more than ten for a leak, and says so on stderr.
    setMaxListeners(0, working);
    return await work(working);
  } finally {
    clearInterval(watching);
    await lease.release();
  }
}

/** Where process ids mean the same: a container may have the name of its host, and ids of its own. */
function machine(): string {
  try {
    return `${hostname()}/${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return hostname();
  }
}

function isDead(holder: string): boolean {
  const [, pid = "", where = ""] = /\| (\d+) (\S+) \S+$/u.exec(holder) ?? [];
  if (where !== machine() || pid === "") return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (caught) {
    return (caught as { code?: unknown }).code === "ESRCH";
  }
}

function shown(holder: string): string {
  const [, who = holder, pid = "", where = ""] = /^(.*) \| (\d+) ([^/\s]+)/u.exec(holder) ?? [];
  return pid === "" ? holder : `${who} (process ${pid} on ${where})`;
}

function held(holder: string): LearnError {
  return new LearnError("conflict", `${shown(holder)} is learning on this store`, { hint: "wait until it is done, or stop it" });
}
