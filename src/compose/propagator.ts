import { createPropagator, type PropagatorLike } from "../agent/propagator.ts";
import { loadConfig } from "../config/load-config.ts";
import { createReporter } from "../telemetry/report.ts";
import { baggagePolicy } from "./from-config.ts";

/**
 * A TextMapPropagator for any OpenTelemetry JS: W3C baggage, with the draw of the run in it, so that agents in other processes give and withhold alike. In
 * the place of W3CBaggagePropagator or behind it: `new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new AgentLearnPropagator()] })`.
 * Signed with the secret of the AgentLearn that drew. No method throws.
 */
export class AgentLearnPropagator implements PropagatorLike {
  readonly #propagator: PropagatorLike;

  /** Without `baggage` AGENTLEARN_BAGGAGE decides; "off" lets the entries of others pass, and none of ours. */
  constructor(options: { readonly baggage?: "on" | "off" } = {}) {
    const reporter = createReporter("propagator");
    this.#propagator = createPropagator({ enabled: isOn(options, reporter.failure) }, reporter);
  }

  inject: PropagatorLike["inject"] = (scope, carrier, setter) => this.#propagator.inject(scope, carrier, setter);

  extract: PropagatorLike["extract"] = (scope, carrier, getter) => this.#propagator.extract(scope, carrier, getter);

  fields(): string[] {
    return this.#propagator.fields();
  }
}

/** A wrong environment must not stop the agent: nothing of ours travels then. */
function isOn(options: { readonly baggage?: "on" | "off" }, report: (what: string, caught: unknown) => void): boolean {
  try {
    return baggagePolicy(loadConfig({ code: { ...options }, env: process.env })).enabled;
  } catch (caught) {
    report("nothing of ours travels: the settings can't be used", caught);
    return false;
  }
}
