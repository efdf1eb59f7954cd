import { hostname } from "node:os";
import type { Clock } from "../base/clock.ts";
import { fromUnknown, messageOf } from "../base/error.ts";
import { newId } from "../base/id.ts";
import { createGroupCommit } from "./group-commit.ts";
import { createLeaseHolder, type LeaseHolder } from "./lease-holder.ts";
import type { SqlStore } from "./local-store.ts";
import type { LocalStore } from "./open-local.ts";
import type { ReceiverReport, RetentionOptions, Store, TraceDiagnostics } from "./ports.ts";
import { type IngestSteps, startPump } from "./pump.ts";
import { longerOf, startRetention } from "./retention-schedule.ts";
import type { Role, RoleOptions } from "./role.ts";
import { dispatch } from "./rpc.ts";
import { serveStore } from "./socket-server.ts";
import { takeInSpool } from "./spool.ts";
import { createTurn, type Turn } from "./turn.ts";

export interface OwnerRoleOptions extends RoleOptions {
  /** A local file, or a remote store, which has neither spool nor socket. */
  readonly store: LocalStore | SqlStore;
  readonly ingest: "continuous" | "on-demand";
  readonly clock: Clock;
  /** Applied at once and every hour while ingest is continuous; without it nothing is deleted unasked. */
  readonly retention?: RetentionOptions;
  /** `turn`: to be awaited between two commits, so that appends come first. */
  readonly createIngest: (store: SqlStore, turn: Turn) => IngestSteps;
  /** How long the others wait after the one that maps and assembles on a shared server died. Default 10 s. */
  readonly leaseMs?: number;
  readonly createDiagnosis: (store: SqlStore) => () => Promise<TraceDiagnostics>;
}

const SPOOL_EVERY_MS = 1_000;
// A tenth of the time for which a trace without a root waits anyhow; a renewal every 3 s is nothing to a server.
const LEASE_MS = 10_000;

/**
 * Owns an open store: commits in groups, maps and assembles, takes in the spool, and serves other processes of this machine. On a server it is one of
 * several such clients, of which one at a time maps and assembles.
 */
export async function createOwnerRole(options: OwnerRoleOptions): Promise<Role> {
  const { store, report, clock } = options;
  const local = "announce" in store ? store : undefined;
  const appendInGroup = createGroupCommit((bodies) => store.appendBodies(bodies));
  let arrivedBytes = 0;
  const turn = createTurn({ arrivedBytes: () => arrivedBytes, nowMs: () => performance.now(), wait: pause });
  const lease = local === undefined ? leaseOn(store, options) : undefined;
  const ingest = options.createIngest(store, turn);
  const pump = startPump(lease === undefined ? ingest : underLease(ingest, lease), options.ingest, report);
  const appendBodies: Store["appendBodies"] = async (bodies) => {
    const bytes = bodies.reduce((sum, { body }) => sum + body.byteLength, 0);
    arrivedBytes += bytes;
    await appendInGroup(bodies);
    pump.wake();
  };
  const ages = options.ingest === "continuous" ? options.retention : undefined;
  const retention = ages === undefined ? undefined : startRetention({ store, ages, clock, report });
  const spool = createSpoolIntake(local?.path, appendBodies, report);
  const diagnose = options.createDiagnosis(store);
  let receiver: ReceiverReport | undefined;
  const whole: Store = {
    ...store,
    appendBodies,
    retain: (asked) => store.retain(longerOf(asked, ages)),
    compact: (asked) => store.compact(longerOf(asked, ages)),
    drain: async (options) => {
      await spool.takeIn();
      return pump.drain(options?.force !== false);
    },
    diagnostics: async () => ({ ...(await diagnose()), ...(receiver === undefined ? {} : { receiver }) }),
    noteReceiver: async (report) => {
      receiver = report;
    },
  };
  const server = local === undefined ? undefined : await serveStore((method, args) => dispatch(whole, method, args)).catch(unserved);
  if (server !== undefined) local?.announce(server.socket);

  function unserved(caught: unknown): undefined {
    // Without a socket the owner still works; guests spool and their calls say who owns the file.
    report(`other processes cannot reach the store: ${messageOf(caught)}`);
    return undefined;
  }

  return {
    kind: "owner",
    call: (method, args) => dispatch(whole, method, args),
    take: (body) => appendBodies([body]),
    isLost: () => false,
    close: async () => {
      retention?.stop();
      await spool.stop();
      await pump.stop();
      await lease?.release();
      await server?.close();
      await store.close();
    },
  };
}

function leaseOn(store: SqlStore, { name, leaseMs = LEASE_MS }: OwnerRoleOptions): LeaseHolder {
  // The first words are for people who look into the table.
  const holder = `${name} on ${hostname()}, pid ${process.pid}, ${newId()}`;
  return createLeaseHolder({ leases: store, name: "ingest", holder, forMs: leaseMs });
}

/** A drain is asked for by somebody who waits for it, and two that map and assemble at once do no harm: it does not wait for the lease. */
function underLease(ingest: IngestSteps, lease: LeaseHolder): IngestSteps {
  const step: IngestSteps["step"] = async () => ((await lease.isHeld()) ? ingest.step() : { mapped: 0, assembled: 0, busy: false });
  return { step, drain: ingest.drain };
}

interface SpoolIntake {
  takeIn(): Promise<void>;
  stop(): Promise<void>;
}

/** Looks into the spool at once and then every second. One intake at a time. */
function createSpoolIntake(path: string | undefined, append: Store["appendBodies"], report: (message: string) => void): SpoolIntake {
  let running: Promise<void> | undefined;
  const takeIn = (): Promise<void> => {
    if (path === undefined) return Promise.resolve();
    running ??= takeInSpool(path, append, report).then(done, (caught) => {
      done();
      throw fromUnknown(caught, "the spool could not be taken in");
    });
    return running;
  };
  const done = (): void => {
    running = undefined;
  };
  const quietly = (): void => void takeIn().catch((caught) => report(messageOf(caught)));
  quietly();
  const timer = setInterval(quietly, SPOOL_EVERY_MS);
  return {
    takeIn: async () => {
      // The intake that runs may have listed the folder before the caller's file was there.
      await running?.catch(() => undefined);
      await takeIn();
    },
    stop: async () => {
      clearInterval(timer);
      await running?.catch(() => undefined);
    },
  };
}

/** 0: a turn of the event loop, in which appends that wait are committed. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    if (ms > 0) setTimeout(resolve, ms);
    else setImmediate(resolve);
  });
}
