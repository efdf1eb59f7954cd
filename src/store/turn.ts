// Of ten parts of a thread that has more to do than it can, appends get nine: an exporter that is not answered in time sends again or gives up, while
// what is appended can be mapped at any time.
const APPEND_SHARE = 9;
// The first turn after a pause must not pay for the pause.
const MAX_WAIT_MS = 500;
// Arrivals and what mapping takes are both averaged over about this long.
const MEMORY_MS = 2_000;

/** What may be asked of the one who appends. */
export interface Appends {
  /** Bytes that were appended since the start. */
  arrivedBytes(): number;
  /** Milliseconds of a clock that only goes forward. */
  nowMs(): number;
  wait(ms: number): Promise<void>;
}

/** Awaited by mapping between two of its commits. `mappedBytes`: of the bodies mapped since the last turn. */
export type Turn = (mappedBytes?: number) => Promise<void>;

/**
 * Mapping and appending run on one thread, so one of them waits while the other works. While mapping can keep up with what arrives, it goes on at once:
 * a short queue of appends is no reason to fall behind. When more arrives than it could ever map, it takes a tenth of the thread and catches up later.
 * Whether an append waits at this moment does not tell the two apart: sixteen clients that each wait for an answer leave the queue empty most of the
 * time, and were answered at a quarter of their rate.
 */
export function createTurn(appends: Appends): Turn {
  let lastMs = appends.nowMs();
  let lastArrived = appends.arrivedBytes();
  let [arrived, mapped, worked, span] = [0, 0, 0, 1];
  return async (mappedBytes = 0) => {
    const beganMs = appends.nowMs();
    const workedMs = beganMs - lastMs;
    worked += Math.min(workedMs, MAX_WAIT_MS);
    mapped += mappedBytes;
    const load = mapped === 0 ? 0 : (arrived / span) * (worked / mapped);
    await appends.wait(load > 1 ? Math.min(APPEND_SHARE * workedMs, MAX_WAIT_MS) : 0);
    lastMs = appends.nowMs();
    const fade = Math.exp((beganMs - workedMs - lastMs) / MEMORY_MS);
    arrived = arrived * fade + (appends.arrivedBytes() - lastArrived);
    lastArrived = appends.arrivedBytes();
    span = span * fade + workedMs + (lastMs - beganMs);
    [mapped, worked] = [mapped * fade, worked * fade];
  };
}
