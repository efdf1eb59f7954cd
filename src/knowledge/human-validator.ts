import { fromUnknown, LearnError } from "../base/error.ts";
import { humanValidation } from "./human-validation.ts";
import type { KnowledgeItem, Validation } from "./knowledge-item.ts";
import type { Validator } from "./ports.ts";

/** A person's answer; undefined or null leaves the item in the queue. `edit` gives it other words, and the person vouches for those. */
export type ApprovalAnswer =
  | boolean
  | {
      readonly approved: boolean;
      readonly reason?: string;
      readonly edit?: { readonly content?: string; readonly appliesWhen?: string };
      /** Why it goes live although safety cases fail with it; without it they hold it back. */
      readonly despiteSafety?: string;
    }
  | undefined
  | null;

/** What a person is told besides the item. */
export interface ApprovalQuestion {
  /** The test it passed, or that could not decide. Absent when it was not tested. */
  readonly validation?: Validation;
  /** What a guard objects to; then the item was not tested. Absent when none does. */
  readonly quarantined?: string;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

export interface HumanValidatorOptions {
  /** Asks the person. Without it every item waits for `agentlearn knowledge approve`. */
  readonly approve?: (item: KnowledgeItem, question: ApprovalQuestion) => Promise<ApprovalAnswer> | ApprovalAnswer;
  /** The person who answers, such as `human:ada`. Default `human:callback`. */
  readonly actor?: string;
  /** How long an answer is waited for; then the item stays in the queue. Default 600,000; 0 waits for ever. */
  readonly timeoutMs?: number;
}

/** What a person said, with nothing left open. */
export interface Review {
  readonly approved: boolean;
  readonly reason: string;
  readonly edit?: { readonly content?: string; readonly appliesWhen?: string };
  readonly despiteSafety?: string;
}

export interface HumanInLoopValidator extends Validator {
  readonly actor: string;
  /**
   * The person's answer; undefined when there is none: nobody to ask, no decision, or none in time. Rejects "internal" with what the callback threw or when its
   * answer is none, and "cancelled" on abort, also while the callback is still busy.
   */
  review(item: KnowledgeItem, asked: Omit<ApprovalQuestion, "signal">, signal?: AbortSignal): Promise<Review | undefined>;
}

/** The default strategy: a person decides, now through a callback or later on the queue. Never runs the agent. */
export function createHumanInLoopValidator(options: HumanValidatorOptions = {}): HumanInLoopValidator {
  const { approve, actor = "human:callback", timeoutMs = 600_000 } = options;

  async function review(item: KnowledgeItem, asked: Omit<ApprovalQuestion, "signal">, signal?: AbortSignal): Promise<Review | undefined> {
    if (approve === undefined) return undefined;
    if (signal?.aborted) throw cancelled(item);
    const patience = patienceOf(timeoutMs, signal);
    try {
      const asking = Promise.resolve().then(() => approve(item, { ...asked, signal: patience.signal }));
      const answer = await Promise.race([asking, patience.over]);
      if (answer === "aborted") throw cancelled(item);
      return answer === "too late" ? undefined : reviewOf(answer, actor);
    } catch (caught) {
      if (signal?.aborted) throw cancelled(item);
      throw fromUnknown(caught, "the approve callback failed");
    } finally {
      patience.end();
    }
  }

  return {
    name: "HumanInLoopValidator",
    actor,
    review,
    validate: async (item, context, signal) => {
      const said = await review(item, {}, signal);
      if (said === undefined) return undefined;
      const { approved, reason, edit } = said;
      const word = { decision: approved ? "pass" : "refuse", reason, actor, atUs: context.nowUs, id: context.id } as const;
      return humanValidation({ ...item, ...(edit?.content === undefined ? {} : { content: edit.content }) }, word);
    },
  };
}

function reviewOf(answer: ApprovalAnswer, actor: string): Review | undefined {
  if (answer === undefined || answer === null) return undefined;
  const { approved, reason, edit, despiteSafety } = typeof answer === "boolean" ? { approved: answer } : answer;
  // A truthy word is no yes: this puts text into every prompt.
  if (typeof approved !== "boolean") {
    throw new LearnError("invalid", "its answer is neither true nor false, nor an object with `approved`", {
      hint: "return true, false, { approved, reason, edit } or undefined",
    });
  }
  const given = reason?.trim() ?? "";
  const why = given === "" ? `${approved ? "approved" : "refused"} by ${actor} through the approve callback` : given;
  const changes = approved && (edit?.content !== undefined || edit?.appliesWhen !== undefined);
  return { approved, reason: why, ...(changes ? { edit } : {}), ...(despiteSafety === undefined ? {} : { despiteSafety }) };
}

/** Ends the waiting after a time or on abort, and tells the callback so. */
function patienceOf(timeoutMs: number, signal: AbortSignal | undefined) {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let onAbort = (): void => undefined;
  const over = new Promise<"too late" | "aborted">((resolve) => {
    onAbort = () => resolve("aborted");
    signal?.addEventListener("abort", onAbort, { once: true });
    if (timeoutMs > 0) timer = setTimeout(() => resolve("too late"), timeoutMs);
  });
  const end = (): void => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
    controller.abort();
  };
  return { over, end, signal: controller.signal };
}

function cancelled(item: KnowledgeItem): LearnError {
  return new LearnError("cancelled", `nobody waits any more for a person's word on item ${item.id.slice(0, 8)}`);
}
