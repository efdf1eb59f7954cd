// Of ten parts of a thread that never rests, appends get nine: an exporter that is not answered in time sends again or gives up, while what
// is appended can be mapped at any time. Below saturation nobody waits for anybody.
const APPEND_SHARE = 9;
// The first turn after a pause must not pay for the pause.
const MAX_WAIT_MS = 500;
const POLL_MS = 1;

/**
 * Makes what mapping awaits between two of its commits. It resolves when no append waits, or when appends had their share since the last turn.
 * Both run on one thread, so one of them waits while the other works.
 */
export function createTurn(isBusy: () => boolean): () => Promise<void> {
  let beganMs = performance.now();
  return async () => {
    const workedMs = performance.now() - beganMs;
    const untilMs = performance.now() + Math.min(APPEND_SHARE * workedMs, MAX_WAIT_MS);
    await new Promise((resolve) => setImmediate(resolve));
    while (isBusy() && performance.now() < untilMs) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    beganMs = performance.now();
  };
}
