import type { Injection } from "../../src/injection/injection.ts";
import type { Diagnostics, Store, StoreStatus } from "../../src/store/ports.ts";
import type { ReceiverCounts } from "../counts.ts";

/** A question for knowledge that came over the network. */
export interface KnowledgeRequest {
  readonly task: string;
  readonly agentName?: string;
  /** W3C trace id of the run that asks, 32 lower-case hex characters. Seeds the draw, so that one run stays in one arm. */
  readonly traceId?: string;
}

/**
 * What the API needs, and nothing more. The members taken from the store keep the contracts written there; all of them may reject with a
 * LearnError, which becomes the answer.
 */
export interface ApiPorts extends Pick<Store, "addFeedback" | "listTraces" | "getTrace" | "listKnowledge" | "knowledgeChanges"> {
  /** Of the store, of the traces that came lately, and of the receiver where one runs beside it. */
  status(): Promise<StoreStatus & { readonly diagnostics?: Omit<Diagnostics, "receiver">; readonly receiver?: ReceiverCounts }>;
  /** Decides what a run gets. Never rejects for want of knowledge: then `text` is "" and the lists are empty. */
  knowledgeFor(request: KnowledgeRequest): Promise<Injection>;
}
