import { type ErrorCode, fromUnknown, LearnError } from "../base/error.ts";
import type { Store } from "./ports.ts";

export type StoreMethod = Exclude<keyof Store, "close">;

/** Calls one method of a store that lives elsewhere. Rejects with LearnError only. */
export type StoreCall = (method: StoreMethod, args: readonly unknown[]) => Promise<unknown>;

// A record and not a list, so that a method missing here does not compile.
const METHODS: Readonly<Record<StoreMethod, true>> = {
  appendBodies: true,
  unmappedBodies: true,
  saveMapped: true,
  markUnmappable: true,
  pendingTraces: true,
  materialOf: true,
  recentTraces: true,
  spansOf: true,
  saveManyAssembled: true,
  takeLease: true,
  releaseLease: true,
  leaseHolder: true,
  listTraces: true,
  getTrace: true,
  searchTraces: true,
  saveOutcomes: true,
  outcomesOf: true,
  addFeedback: true,
  unanalyzed: true,
  markAnalyzed: true,
  keptFor: true,
  keep: true,
  saveRefusals: true,
  listKnowledge: true,
  getKnowledgeItem: true,
  historyOf: true,
  propose: true,
  saveItem: true,
  saveItems: true,
  saveGuards: true,
  saveValidation: true,
  testStream: true,
  validations: true,
  removeItem: true,
  createSnapshot: true,
  listSnapshots: true,
  getSnapshot: true,
  deleteSnapshot: true,
  saveItemsBehind: true,
  conflictsOf: true,
  listConflicts: true,
  saveConflicts: true,
  usageOf: true,
  pinnedItems: true,
  searchKnowledge: true,
  provenItems: true,
  activeItems: true,
  exposedRuns: true,
  controlledRuns: true,
  modelsBefore: true,
  newestRunUs: true,
  knowledgeChanges: true,
  takeTrialRuns: true,
  trialRunsTaken: true,
  itemVectors: true,
  saveItemVectors: true,
  saveEvalCases: true,
  listEvalCases: true,
  saveEvalRun: true,
  getEvalRun: true,
  reserveCall: true,
  settleCall: true,
  saveAnswer: true,
  answerOf: true,
  spending: true,
  forgetAnswers: true,
  unfinishedCycle: true,
  status: true,
  diagnostics: true,
  noteReceiver: true,
  saveCycle: true,
  drain: true,
  retain: true,
  compact: true,
  backup: true,
  check: true,
};

/** A store whose every method is a call. */
export function storeOver(call: StoreCall, close: () => Promise<void>): Store {
  const methods = Object.keys(METHODS).map((method) => [method, (...args: unknown[]) => call(method as StoreMethod, args)]);
  return { ...(Object.fromEntries(methods) as unknown as Omit<Store, "close">), close };
}

/** Serves a call that came from outside; only what is in the list above can be named. */
export async function dispatch(target: Pick<Store, StoreMethod>, method: unknown, args: unknown): Promise<unknown> {
  if (typeof method !== "string" || !Object.hasOwn(METHODS, method) || !Array.isArray(args)) {
    throw new LearnError("invalid", `the store has no method ${JSON.stringify(method)}`);
  }
  return (target[method as StoreMethod] as (...args: unknown[]) => Promise<unknown>)(...args);
}

/** A LearnError on its way through a thread or a socket. The cause stays where it happened. */
export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
}

export type Answer = { readonly id: number; readonly value: unknown } | { readonly id: number; readonly error: WireError };

export async function answerTo(id: number, work: () => Promise<unknown>): Promise<Answer> {
  try {
    return { id, value: await work() };
  } catch (caught) {
    const { code, message, hint } = fromUnknown(caught, "the store failed");
    return { id, error: { code, message, ...(hint === undefined ? {} : { hint }) } };
  }
}

/** Settles the caller that waits for this answer. An answer nobody waits for is dropped. */
export function settle(waiting: Map<number, Waiting>, answer: Answer): void {
  const waiter = waiting.get(answer.id);
  waiting.delete(answer.id);
  if ("error" in answer) {
    const { code, message, hint } = answer.error;
    waiter?.reject(new LearnError(code, message, hint === undefined ? {} : { hint }));
  } else {
    waiter?.resolve(answer.value);
  }
}

export interface Waiting {
  resolve(value: unknown): void;
  reject(error: LearnError): void;
}
