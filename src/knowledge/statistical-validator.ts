import type { AgentRunner, Validator } from "./ports.ts";
import { type ValidateOptions, validate } from "./validate.ts";

export type StatisticalValidatorOptions = { readonly runner: AgentRunner } & Partial<
  Pick<
    ValidateOptions,
    "alpha" | "minimumGain" | "passScore" | "maxRounds" | "confirmReplicates" | "concurrency" | "actor" | "runnerName" | "packageVersion"
  >
>;

/** The strategy that runs the agent with and without the candidate. Abstains when there are no eval cases at all: then a person has to decide. */
export function createStatisticalValidator(options: StatisticalValidatorOptions): Validator {
  return {
    name: "StatisticalValidator",
    validate: async (item, context, signal) => {
      if (context.cases.length === 0) return undefined;
      const renderWith = context.renderWith.bind(context);
      return validate({ actor: "learner", ...context, renderWith, ...options, item, ...(signal === undefined ? {} : { signal }) });
    },
  };
}
