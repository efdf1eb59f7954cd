import type { KnowledgeStore } from "../knowledge/ports.ts";
import type { Limits } from "./assign.ts";
import type { Injection } from "./injection.ts";
import type { InjectionRequest, KnowledgeSearch, VectorSearch } from "./ports.ts";

/** What an injector chooses from. */
export interface KnowledgeSources {
  readonly search: KnowledgeSearch;
  /** All items, whatever their state. Absent where only active ones are at hand: in a process that knows a collector and no store. */
  readonly library?: Pick<KnowledgeStore, "listKnowledge">;
  /** Absent where no embedding model is configured. */
  readonly vectors?: VectorSearch;
}

/**
 * One way to choose what goes into the prompt. Stateless: the same request and the same knowledge give the same injection. Rejects only with what its
 * sources reject with, and "invalid" for a bad request. Its own limits, if it was made with any, come before those of the request.
 */
export interface Injector {
  readonly name: string;
  inject(request: InjectionRequest & Limits, sources: KnowledgeSources): Promise<Injection>;
}
