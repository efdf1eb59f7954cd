/** Span attributes that carry an assignment from injection back to the learner. All are plain OpenTelemetry attribute types. */

/** string[]: ids of the items whose text went into the prompt. */
export const KNOWLEDGE_GIVEN = "agentlearn.knowledge.given";

/** string[]: ids of the items that were eligible and held back by the draw. */
export const KNOWLEDGE_WITHHELD = "agentlearn.knowledge.withheld";

/** double in [0, 1): the probability with which each eligible normal item is held back. */
export const KNOWLEDGE_WITHHOLD_PROBABILITY = "agentlearn.knowledge.withhold_probability";
