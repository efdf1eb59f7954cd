import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "./base/clock.ts";
import { isLearnError, LearnError } from "./base/error.ts";
import { freeBuffers, wholeBuffers } from "./base/free-buffers.ts";
import type { createDiagnosis } from "./learner/diagnose.ts";
import type { Ingest } from "./learner/ingest.ts";
import { createBatchBuffer } from "./store/batch-buffer.ts";
import { useExitGate } from "./store/exit-gate.ts";
import { createGuestRole } from "./store/guest-role.ts";
import type { SqlStore } from "./store/local-store.ts";
import { openLocal, preparePath } from "./store/open-local.ts";
import { openShared } from "./store/open-shared.ts";
import { createOwnerRole } from "./store/owner-role.ts";
import type { RawBody } from "./store/ports.ts";
import type { Role } from "./store/role.ts";
import { type Answer, answerTo } from "./store/rpc.ts";
import { createSession, type Session } from "./store/session.ts";
import { createSenderRole } from "./store/sink-otlp.ts";
import { writeSpool } from "./store/spool.ts";
import { parseStoreUrl, type StoreLocation } from "./store/url.ts";
import type { FromWriter, ToWriter, WriterOptions, WriterStart } from "./store/writer-protocol.ts";

// Guests write one file per flush.
const SPOOL_DELAY_MS = 1_000;
// A commit writes its half-filled pages anew and syncs, and the agent's loop feels each: at 2,000 spans/s of 5 kB its delay is p99 2.7 ms with
// commits every 50 ms and 1.8 ms with 250 (1.4 without any processor). What a kill -9 takes is that much longer: 67 to 270 ms in 12 kills,
// where a BatchSpanProcessor waits 5 s. A flush does not wait for it.
const COMMIT_DELAY_MS = 250;

/** The thread that owns a store, or stands for whoever does. It is the only place where the native database binding runs. */
function runWriter(port: NonNullable<typeof parentPort>, options: WriterOptions): void {
  const post = (message: FromWriter): void => port.postMessage(message);
  const report = createReporter(post);
  let kind: Role["kind"] | undefined;
  const session = createSession(async () => {
    const role = await openRole(options, report);
    kind = role.kind;
    return role;
  });
  const buffer = createBatchBuffer({
    write: (body) => takeOrSpool(session, options, body),
    delayMs: () => (kind === "guest" ? SPOOL_DELAY_MS : COMMIT_DELAY_MS),
    settled: (spans, bytes, failed) => post({ kind: "settled", spans, bytes, failed }),
    report,
  });
  let answers: Answer[] = [];
  let spent: ArrayBuffer[] = [];
  const postAnswers = (): void => {
    if (answers.length > 0) post({ kind: "answers", answers });
    freeBuffers(spent);
    [answers, spent] = [[], []];
  };
  const answer = async (id: number, work: () => Promise<unknown>): Promise<void> => {
    const settled = await answerTo(id, work);
    // One message for a group that was committed together: each wakes the other thread.
    if (answers.length === 0) process.nextTick(postAnswers);
    answers.push(settled);
  };
  const called = async ({ id, method, args }: Extract<ToWriter, { kind: "call" }>): Promise<void> => {
    await answer(id, () => session.call(method, args));
    // Bodies came by transfer: nobody else has them, and what was to be kept of them is kept.
    if (method === "appendBodies") spent.push(...wholeBuffers(args[0] as readonly RawBody[]));
  };
  const closed = async (id: number): Promise<void> => {
    await answer(id, () => session.close());
    postAnswers();
    port.close();
  };

  port.on("message", (message: ToWriter) => {
    if (message.kind === "submit") buffer.submit(message);
    else if (message.kind === "call") void called(message);
    else if (message.kind === "open") void answer(message.id, () => session.ready());
    else if (message.kind === "flush") void answer(message.id, () => buffer.flush());
    else void closed(message.id);
  });
}

async function openRole(options: WriterOptions, report: (message: string) => void): Promise<Role> {
  if (options.endpoint !== undefined) return createSenderRole({ endpoint: options.endpoint, headers: options.headers ?? {} });
  const location = locationOf(options);
  const own = async (): Promise<Role> => {
    const store = await openStoreAt(location, options, report);
    const timing = {
      ...(options.quietMs === undefined ? {} : { quietMs: options.quietMs }),
      ...(options.idleMs === undefined ? {} : { idleMs: options.idleMs }),
    };
    return createOwnerRole({
      store,
      clock: systemClock,
      name: options.name,
      report,
      ingest: options.ingest ?? "continuous",
      ...(options.retention === undefined ? {} : { retention: options.retention }),
      createIngest: (over, turn) =>
        loadedLater(async () => (await import("./learner/ingest.ts")).createIngest({ store: over, clock: systemClock, turn, ...timing })),
      createDiagnosis: (over) => {
        let diagnose: ReturnType<typeof createDiagnosis> | undefined;
        return async () => {
          diagnose ??= (await import("./learner/diagnose.ts")).createDiagnosis({ store: over });
          return diagnose();
        };
      },
    });
  };
  if (location.kind === "remote" || options.mode === "own") return own();
  const path = preparePath(location.path);
  return openShared({ path, own, beGuest: (connection) => createGuestRole(path, connection) });
}

/** Mapping is half of this thread's modules, and nobody who appends waits for it. */
function loadedLater(load: () => Promise<Ingest>): Ingest {
  let loaded: Promise<Ingest> | undefined;
  const ingest = (): Promise<Ingest> => {
    loaded ??= load();
    return loaded;
  };
  return { step: async () => (await ingest()).step(), drain: async (force) => (await ingest()).drain(force) };
}

async function openStoreAt(location: StoreLocation, options: WriterOptions, report: (message: string) => void): Promise<SqlStore> {
  if (location.kind === "file") {
    const { name, ifDamaged = "refuse" } = options;
    return openLocal({ path: location.path, role: "own", name, clock: systemClock, ifDamaged, report });
  }
  const { openRemote } = await import("./store/open-remote.ts");
  return openRemote(location.url, systemClock);
}

/** A processor never fails because the owner of a file is slow or stuck: then its spans go into the spool beside it. */
async function takeOrSpool(session: Session, options: WriterOptions, body: RawBody): Promise<void> {
  try {
    await session.take(body);
  } catch (caught) {
    const passing = isLearnError(caught) && (caught.retryable || caught.code === "conflict");
    const location = options.endpoint === undefined ? locationOf(options) : undefined;
    if (!passing || location?.kind !== "file") throw caught;
    await writeSpool(preparePath(location.path), body);
  }
}

function locationOf(options: WriterOptions): StoreLocation {
  if (options.url !== undefined) return parseStoreUrl(options.url);
  throw new LearnError("invalid", "neither a store url nor a collector endpoint was given");
}

/** Each text once, and not without end: a fault that repeats every second says nothing new. */
function createReporter(post: (message: FromWriter) => void): (message: string) => void {
  const said = new Set<string>();
  return (message) => {
    if (said.has(message) || said.size >= 100) return;
    said.add(message);
    post({ kind: "report", message });
  };
}

if (parentPort !== null) {
  const { options, gate } = workerData as WriterStart;
  useExitGate(gate);
  runWriter(parentPort, options);
}
