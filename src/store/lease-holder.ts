import type { LeaseStore } from "./ports.ts";

export interface LeaseHolderOptions {
  readonly leases: Pick<LeaseStore, "takeLease" | "releaseLease">;
  readonly name: string;
  /** Unlike that of every other client. */
  readonly holder: string;
  /** How long the others wait after this one died. */
  readonly forMs: number;
  /** Monotonic milliseconds. Default `performance.now`. */
  readonly elapsedMs?: () => number;
}

/** Takes a lease when it is first asked for, and keeps it. */
export interface LeaseHolder {
  /** Asks the store at most five times per term while another holds it. Rejects when the store does not answer. */
  isHeld(): Promise<boolean>;
  /** Asks it now. */
  takeNow(): Promise<boolean>;
  /** For good, so that the next client need not wait for the end of the term. Safe twice; never rejects. */
  release(): Promise<void>;
}

export function createLeaseHolder(options: LeaseHolderOptions): LeaseHolder {
  const { leases, name, holder, forMs, elapsedMs = () => performance.now() } = options;
  let heldUntil = Number.NEGATIVE_INFINITY;
  let askAgainAt = Number.NEGATIVE_INFINITY;
  let asking: Promise<boolean> = Promise.resolve(false);
  let released = false;

  const take = async (): Promise<boolean> => {
    // Counted from before the question: here the term is over before it is over in the store.
    const askedAt = elapsedMs();
    askAgainAt = askedAt + forMs / 5;
    const taken = await leases.takeLease(name, holder, forMs);
    heldUntil = taken ? askedAt + forMs : Number.NEGATIVE_INFINITY;
    return taken;
  };
  const ask = (): Promise<boolean> => {
    asking = asking.then(take, take);
    return asking;
  };
  // On a timer and not with the work: one piece of it may take longer than the term. A failure shows when the term is over and somebody asks.
  const renewal = setInterval(() => {
    if (elapsedMs() < heldUntil) void ask().catch(() => undefined);
  }, forMs / 3);
  renewal.unref();

  return {
    isHeld: async () => {
      if (released) return false;
      const now = elapsedMs();
      return now < heldUntil || (now >= askAgainAt && (await ask()));
    },
    takeNow: async () => !released && (await ask()),
    release: async () => {
      if (released) return;
      released = true;
      clearInterval(renewal);
      // A renewal under way would take it again behind the release.
      await asking.catch(() => undefined);
      // What the store does not hear of ends with the term.
      if (elapsedMs() < heldUntil) await leases.releaseLease(name, holder).catch(() => undefined);
    },
  };
}
