import { isLearnError } from "../base/error.ts";
import type { RawBody } from "./ports.ts";

// 64 bodies: with 16-span requests on 16 connections one group is never full; with 512-span requests it is about 70 MB, one long commit.
const MAX_BODIES = 64;

type Append = (bodies: readonly RawBody[]) => Promise<void>;

interface Waiting {
  readonly bodies: readonly RawBody[];
  resolve(): void;
  reject(caught: unknown): void;
}

/**
 * Puts what many callers append while one commit runs into the next one, and answers each only after its commit. FULL costs 5 to 6 times at one
 * body per commit and nothing at many.
 */
export function createGroupCommit(append: Append): Append {
  const queue: Waiting[] = [];
  let running = false;

  const run = async (): Promise<void> => {
    while (queue.length > 0) {
      await commit(append, takeGroup(queue));
      // Lets the requests that arrived during the commit into the next group.
      await new Promise((resolve) => setImmediate(resolve));
    }
    running = false;
  };

  return (bodies) =>
    new Promise((resolve, reject) => {
      queue.push({ bodies, resolve, reject });
      if (running) return;
      running = true;
      setImmediate(() => void run());
    });
}

function takeGroup(queue: Waiting[]): readonly Waiting[] {
  let count = 0;
  let bodies = 0;
  for (const waiting of queue) {
    bodies += waiting.bodies.length;
    if (count > 0 && bodies > MAX_BODIES) break;
    count += 1;
  }
  return queue.splice(0, count);
}

async function commit(append: Append, group: readonly Waiting[]): Promise<void> {
  try {
    await append(group.flatMap((waiting) => waiting.bodies));
    for (const waiting of group) waiting.resolve();
  } catch (caught) {
    const passing = isLearnError(caught) && caught.retryable;
    if (passing || group.length === 1) {
      for (const waiting of group) waiting.reject(caught);
      return;
    }
    // One bad body must not take its neighbours down with it.
    for (const waiting of group) await commit(append, [waiting]);
  }
}
