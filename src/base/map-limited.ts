import { LearnError } from "./error.ts";

/**
 * Runs `work` over `items`, at most `limit` at once; results keep the order of `items`.
 * The first rejection rejects and starts nothing more. An abort rejects at once with "cancelled",
 * also while work that ignores the signal is still running; what that work returns is dropped.
 */
export async function mapLimited<Item, Result>(
  items: readonly Item[],
  limit: number,
  work: (item: Item, index: number) => Promise<Result>,
  signal?: AbortSignal,
): Promise<Result[]> {
  if (!Number.isInteger(limit) || limit < 1) throw new LearnError("invalid", `concurrency is ${limit}, it must be a whole number from 1`);
  const results: Result[] = new Array(items.length);
  let next = 0;
  let stopped = false;
  const worker = async (): Promise<void> => {
    while (!(stopped || signal?.aborted) && next < items.length) {
      const index = next++;
      results[index] = await work(items[index] as Item, index);
    }
  };
  const cancelled = abortOf(signal);
  const workers = Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  try {
    await (cancelled === undefined ? workers : Promise.race([workers, cancelled.promise]));
  } catch (caught) {
    stopped = true;
    // The race is lost, but the workers may still reject; nobody else listens to them.
    workers.catch(() => undefined);
    throw caught;
  } finally {
    cancelled?.release();
  }
  return results;
}

function abortOf(signal: AbortSignal | undefined): { readonly promise: Promise<never>; release(): void } | undefined {
  if (signal === undefined) return undefined;
  const { promise, reject } = deferred();
  const onAbort = (): void => reject(new LearnError("cancelled", "the work was cancelled", { cause: signal.reason }));
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  return { promise, release: () => signal.removeEventListener("abort", onAbort) };
}

function deferred(): { readonly promise: Promise<never>; readonly reject: (error: LearnError) => void } {
  let reject: (error: LearnError) => void = () => undefined;
  const promise = new Promise<never>((_, rejectPromise) => {
    reject = rejectPromise;
  });
  return { promise, reject };
}
