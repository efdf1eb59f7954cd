/**
 * Resolves with the work, or after the timeout; at once where that is not above zero. The timer is one that keeps the process alive: whoever waits for an
 * answer must get it.
 */
export function waitFor(work: Promise<void>, timeoutMs: number): Promise<void> {
  if (!(timeoutMs > 0)) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, timeoutMs);
    void work.then(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
