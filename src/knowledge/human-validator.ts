import { fromUnknown } from "../base/error.ts";
import { humanValidation } from "./human-validation.ts";
import type { KnowledgeItem } from "./knowledge-item.ts";
import type { Validator } from "./ports.ts";

/** A person's answer; undefined or null leaves the item in the queue. */
export type ApprovalAnswer = boolean | { readonly approved: boolean; readonly reason: string } | undefined | null;

export interface HumanValidatorOptions {
  /** Asks the person. Without it every item waits for `agentlearn knowledge approve`. */
  readonly approve?: (item: KnowledgeItem) => Promise<ApprovalAnswer> | ApprovalAnswer;
  /** The person who answers, such as `human:ada`. Default `human:callback`. */
  readonly actor?: string;
}

/** The default strategy: a person decides, now through a callback or later on the queue. Never runs the agent. */
export function createHumanInLoopValidator(options: HumanValidatorOptions = {}): Validator {
  const { approve, actor = "human:callback" } = options;
  return {
    name: "HumanInLoopValidator",
    validate: async (item, context) => {
      if (approve === undefined) return undefined;
      let answer: ApprovalAnswer;
      try {
        answer = await approve(item);
      } catch (caught) {
        throw fromUnknown(caught, "the approve callback failed");
      }
      if (answer === undefined || answer === null) return undefined;
      const approved = typeof answer === "boolean" ? answer : answer.approved;
      const given = typeof answer === "boolean" ? "" : answer.reason.trim();
      const reason = given === "" ? `${approved ? "approved" : "refused"} by ${actor} through the approve callback` : given;
      return humanValidation(item, { decision: approved ? "pass" : "refuse", reason, actor, atUs: context.nowUs, id: context.id });
    },
  };
}
