// Of ten parts of a thread that has more to do than it can, appends get nine: an exporter that is not answered in time sends again or gives up, while
// what is appended can be mapped at any time.
const APPEND_SHARE = 9;
// They get all of that when three times as much arrives as can be mapped, and in proportion when it is less: at a rate that can nearly be mapped, a moment
// in which it looks like more must not cost mapping half a second.
const FULL_SHARE_LOAD = 3;
// The first turn after a pause must not pay for the pause.
const MAX_WAIT_MS = 500;
// What mapping takes is averaged over about this long.
const MEMORY_MS = 2_000;
// What arrives, over about so much waiting. Ten bodies of 512 spans a second are one in five looks: over eight of them 5,000 spans a second looked like
// 1,500 or like 9,000, and mapping waited for half of its time.
const LOOKS_MEMORY_MS = 500;
// While mapping keeps up it stops for a tenth of its time, to see what comes when it does not stand in the way.
const LOOK_EVERY_MS = 250;
const LOOK_MS = 20;
// What came while the thread worked is taken in first.
const SETTLE_MS = 5;

/** What may be asked of the one who appends. */
export interface Appends {
  /** Bytes that came to be appended since the start. */
  arrivedBytes(): number;
  /** Milliseconds of a clock that only goes forward. */
  nowMs(): number;
  wait(ms: number): Promise<void>;
}

/** Awaited by mapping between two of its commits. `mappedBytes`: of the bodies mapped since the last turn. */
export type Turn = (mappedBytes?: number) => Promise<void>;

/**
 * Mapping and appending run on one thread, so one of them waits while the other works. While mapping can keep up with what arrives, it goes on at once:
 * a short queue of appends is no reason to fall behind. When much more arrives than it could ever map, it takes a tenth of the thread and catches up later.
 * What arrives is looked at only while mapping waits: clients that each wait for their answer send as little as mapping lets them, so over all the time
 * there never came more than it could map, and sixteen of them were answered at a third of their rate.
 */
export function createTurn(appends: Appends): Turn {
  let lastMs = appends.nowMs();
  let lookedAtMs = Number.NEGATIVE_INFINITY;
  let [mapped, worked] = [0, 0];
  let [arrived, waited] = [0, 0];
  return async (mappedBytes = 0) => {
    const beganMs = appends.nowMs();
    const workedMs = Math.min(beganMs - lastMs, MAX_WAIT_MS);
    worked += workedMs;
    mapped += mappedBytes;
    const load = mapped === 0 || waited === 0 ? 0 : (arrived / waited) * (worked / mapped);
    const excess = Math.min(1, Math.max(0, load - 1) / (FULL_SHARE_LOAD - 1));
    const due = Math.min(APPEND_SHARE * excess * workedMs, MAX_WAIT_MS);
    const share = due < 2 * SETTLE_MS ? 0 : due;
    const look = beganMs - lookedAtMs >= LOOK_EVERY_MS ? SETTLE_MS + LOOK_MS : 0;
    const waitMs = Math.max(share, look);
    if (waitMs < 2 * SETTLE_MS) await appends.wait(waitMs);
    else {
      await appends.wait(SETTLE_MS);
      const [fromMs, from] = [appends.nowMs(), appends.arrivedBytes()];
      await appends.wait(waitMs - SETTLE_MS);
      lookedAtMs = appends.nowMs();
      const looks = Math.exp((fromMs - lookedAtMs) / LOOKS_MEMORY_MS);
      waited = waited * looks + lookedAtMs - fromMs;
      arrived = arrived * looks + appends.arrivedBytes() - from;
    }
    const fade = Math.exp((lastMs - appends.nowMs()) / MEMORY_MS);
    [mapped, worked] = [mapped * fade, worked * fade];
    lastMs = appends.nowMs();
  };
}

/** A turn of the event loop. Bodies go into their log without the database, so they are appended and answered also in the middle of a transaction. */
export function letAppendsIn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
