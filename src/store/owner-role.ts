import type { Clock } from "../base/clock.ts";
import { fromUnknown, messageOf } from "../base/error.ts";
import { createGroupCommit } from "./group-commit.ts";
import type { SqlStore } from "./local-store.ts";
import type { LocalStore } from "./open-local.ts";
import type { ReceiverReport, RetentionOptions, Store, TraceDiagnostics } from "./ports.ts";
import { type IngestSteps, startPump } from "./pump.ts";
import { longerOf, startRetention } from "./retention-schedule.ts";
import type { Role, RoleOptions } from "./role.ts";
import { dispatch } from "./rpc.ts";
import { serveStore } from "./socket-server.ts";
import { takeInSpool } from "./spool.ts";

export interface OwnerRoleOptions extends RoleOptions {
  /** A local file, or a remote store, which has neither spool nor socket. */
  readonly store: LocalStore | SqlStore;
  readonly ingest: "continuous" | "on-demand";
  readonly clock: Clock;
  /** Applied at once and every hour while ingest is continuous; without it nothing is deleted unasked. */
  readonly retention?: RetentionOptions;
  readonly createIngest: (store: SqlStore) => IngestSteps;
  readonly createDiagnosis: (store: SqlStore) => () => Promise<TraceDiagnostics>;
}

const SPOOL_EVERY_MS = 1_000;

/** Owns an open store: commits in groups, maps and assembles, takes in the spool, and serves other processes of this machine. */
export async function createOwnerRole(options: OwnerRoleOptions): Promise<Role> {
  const { store, report, clock } = options;
  const local = "announce" in store ? store : undefined;
  const group = createGroupCommit((bodies) => store.appendBodies(bodies));
  const pump = startPump(options.createIngest(store), options.ingest, report);
  const appendBodies: Store["appendBodies"] = async (bodies) => {
    await group(bodies);
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
      await server?.close();
      await store.close();
    },
  };
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
