import type { Injection } from "../../src/injection/injection.ts";
import type { AbReport, ItemReport } from "../../src/knowledge/ab-report.ts";
import type { Scope } from "../../src/knowledge/knowledge-item.ts";
import type { Diagnostics, Store, StoreStatus } from "../../src/store/ports.ts";
import type { ReceiverCounts } from "../counts.ts";

/** A question for knowledge that came over the network. The scope is who asks, as the question itself says it. */
export interface KnowledgeRequest extends Scope {
  readonly task: string;
  /** W3C trace id of the run that asks, 32 lower-case hex characters. Seeds the draw, so that one run stays in one arm. */
  readonly traceId?: string;
  /** The conversation it belongs to; then that seeds the draw. */
  readonly conversationId?: string;
}

/**
 * What the API needs, and nothing more. The members taken from the store keep the contracts written there; all of them may reject with a
 * LearnError, which becomes the answer.
 */
export interface ApiPorts
  extends Pick<Store, "addFeedback" | "listTraces" | "getTrace" | "listKnowledge" | "knowledgeChanges" | "takeTrialRuns"> {
  /** Of the store, of the traces that came lately, and of the receiver where one runs beside it. */
  status(): Promise<StoreStatus & { readonly diagnostics?: Omit<Diagnostics, "receiver">; readonly receiver?: ReceiverCounts }>;
  /** Decides what a run gets. Never rejects for want of knowledge: then `text` is "" and the lists are empty. */
  knowledgeFor(request: KnowledgeRequest): Promise<Injection>;
  /** The effect of all knowledge and of every item, by the runs up to now. */
  abReport(): Promise<AbReport>;
  /** Of one item, by full id or unique prefix. Rejects "not-found", or "conflict" when the prefix is ambiguous. */
  itemReport(idOrPrefix: string): Promise<ItemReport>;
}
