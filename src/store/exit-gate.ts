/**
 * Keeps a thread out of the native database while its process ends. Node ends a thread wherever it is; in libsql 0.5.29 a call that is being answered
 * then finds an exception where it expects none, panics, and takes the whole process with it (SIGABRT instead of the exit code of the host).
 */
export interface ExitGate {
  /** Runs one native call. Never returns once the process ends: the thread stands still until it is gone. */
  pass<T>(call: () => T): T;
}

// Two words of shared memory: whether the thread is in a call, and whether its process ends.
const INSIDE = 0;
const ENDING = 1;
// A commit with its syncs, on a slow disk. Longer is no reason to keep a process from ending.
const MAX_WAIT_MS = 2_000;

export function newGateMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT);
}

/** The side of the thread. */
function createExitGate(memory: SharedArrayBuffer): ExitGate {
  const words = new Int32Array(memory);
  const leave = (): void => {
    Atomics.store(words, INSIDE, 0);
    Atomics.notify(words, INSIDE);
  };
  return {
    pass: (call) => {
      Atomics.store(words, INSIDE, 1);
      if (Atomics.load(words, ENDING) === 1) {
        leave();
        Atomics.wait(words, ENDING, 1);
      }
      try {
        return call();
      } finally {
        leave();
      }
    },
  };
}

/** The side of the process: from now on no call begins, and the one that runs is over, or was waited for long enough. Blocks. */
export function shutExitGate(memory: SharedArrayBuffer): void {
  const words = new Int32Array(memory);
  Atomics.store(words, ENDING, 1);
  if (Atomics.load(words, INSIDE) === 1) Atomics.wait(words, INSIDE, 1, MAX_WAIT_MS);
}

// One listener for all threads of a process, however many stores it opens.
const guarded = new Set<SharedArrayBuffer>();

/** Shuts this gate when the process ends, until the function returned is called. */
export function shutAtExit(memory: SharedArrayBuffer): () => void {
  if (guarded.size === 0) process.on("exit", shutAll);
  guarded.add(memory);
  return () => {
    guarded.delete(memory);
    if (guarded.size === 0) process.off("exit", shutAll);
  };
}

function shutAll(): void {
  for (const memory of guarded) shutExitGate(memory);
}

let gate: ExitGate = { pass: (call) => call() };

/** For a thread: its native calls pass this gate from now on. */
export function useExitGate(memory: SharedArrayBuffer): void {
  gate = createExitGate(memory);
}

/** One call into the native database, on whatever thread. */
export function native<T>(call: () => T): T {
  return gate.pass(call);
}
