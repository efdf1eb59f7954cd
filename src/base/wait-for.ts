/**
 * Resolves with the work, which must not reject, or after the timeout; at once where that is not above zero. The timer is one that keeps the process alive: whoever waits for an
 * answer must get it.
 */
export function waitFor(work: Promise<unknown>, timeoutMs: number): Promise<void> {
  if (!(timeoutMs > 0)) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, timeoutMs);
    void work.then(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
