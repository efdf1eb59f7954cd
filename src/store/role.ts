import type { RawBody } from "./ports.ts";
import type { StoreCall } from "./rpc.ts";

/** What a writer thread is for its store at the moment: its owner, a guest of the owner, or the sender to a collector. */
export interface Role {
  readonly kind: "owner" | "guest" | "sender";
  readonly call: StoreCall;
  /** Takes copies from a processor, a body of format "batch". Durable (or delivered) on return; rejects with a retryable code when it may be tried again. */
  take(body: RawBody): Promise<void>;
  /** True once the role is over and the store must be opened again. */
  isLost(): boolean;
  close(): Promise<void>;
}

export interface RoleOptions {
  readonly name: string;
  readonly report: (message: string) => void;
}
