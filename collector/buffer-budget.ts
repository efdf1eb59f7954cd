import { LearnError } from "../src/base/error.ts";

/** Bytes of bodies held at a time. Under overload the newest are sent away to come back, instead of all sinking together. */
export interface BufferBudget {
  /** Opens an account for one body. */
  open(): BufferAccount;
}

/** One body's share. Whoever holds the body last closes it. */
export interface BufferAccount {
  /** Throws "unavailable" when the bytes do not fit now. They do when nothing else is held: otherwise a body above the bound could never come in. */
  take(bytes: number): void;
  /** Gives all back. Safe twice. */
  close(): void;
}

export function createBufferBudget(maxBytes: number): BufferBudget {
  let used = 0;
  return {
    open() {
      let taken = 0;
      return {
        take(bytes) {
          if (used + bytes > maxBytes && used > taken) {
            throw new LearnError("unavailable", `the receiver already holds ${used} bytes of requests`, { hint: "send the batch again" });
          }
          used += bytes;
          taken += bytes;
        },
        close() {
          used -= taken;
          taken = 0;
        },
      };
    },
  };
}
