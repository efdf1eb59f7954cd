import type { Config } from "../config/config.ts";
import { shippedSafetyCases } from "../knowledge/guards/shipped-safety-cases.ts";
import type { AgentRunner, ValidationCase } from "../knowledge/ports.ts";
import { createSafetyCheck, type SafetyCheck } from "../learner/safety-check.ts";
import type { Store } from "../store/ports.ts";
import type { EvalDesk } from "./eval-desk.ts";
import { judgeFrom } from "./outcomes.ts";

/** The cases that come with the package, unless they are off. */
export function safetyCasesFrom({ safetyCases }: Pick<Config, "safetyCases">): readonly ValidationCase[] {
  return safetyCases === "on" ? shippedSafetyCases() : [];
}

export interface SafetyFromOptions {
  readonly store: Store;
  readonly config: Config;
  readonly evals: Pick<EvalDesk, "validationCases">;
  /** Undefined where there is none; asked anew each time, since it may be set late. */
  readonly runner: () => AgentRunner | undefined;
}

/** What a person's approval asks first: the stored cases tagged `safety` that can be scored here, and those that ship. */
export function safetyFrom({ store, config, evals, runner }: SafetyFromOptions): SafetyCheck {
  return async (item) => {
    const agent = runner();
    const { agentName, passScore, concurrency } = config;
    const { cases } =
      agent === undefined ? { cases: [] } : await evals.validationCases(judgeFrom(config, store, await store.listEvalCases()));
    const check = createSafetyCheck({
      ...{ store, cases, safetyCases: safetyCasesFrom(config), passScore, concurrency },
      ...(agent === undefined ? {} : { runner: agent }),
      ...(agentName === undefined ? {} : { agentName }),
    });
    return check(item);
  };
}
