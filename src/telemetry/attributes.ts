/** Span attributes of ours: assignments from injection on their way back to the learner, and what a processor has to say. All are plain OpenTelemetry attribute types. */

/** string[]: ids of the items whose text went into the prompt. */
export const KNOWLEDGE_GIVEN = "agentlearn.knowledge.given";

/** string[]: ids of the items that were eligible and held back by the draw. */
export const KNOWLEDGE_WITHHELD = "agentlearn.knowledge.withheld";

/** double in [0, 1): the total probability with which each eligible normal item is held back, by its own draw or by the control group. */
export const KNOWLEDGE_WITHHOLD_PROBABILITY = "agentlearn.knowledge.withhold_probability";

/** string[]: which of the given and withheld ids are pinned: only the control group holds those back. Absent when none is. */
export const KNOWLEDGE_PINNED = "agentlearn.knowledge.pinned";

/** "control": the run was drawn to get no knowledge at all. "knowledge": it was not. Absent where no control group is drawn. */
export const KNOWLEDGE_ARM = "agentlearn.knowledge.arm";

/** double in (0, 1): the probability of "control". Absent where no control group is drawn. */
export const KNOWLEDGE_CONTROL_SHARE = "agentlearn.knowledge.control_share";

/** string[]: ids of the items of which only a line stood in the prompt, and that the agent did not read. Drawn like given ones. Absent when none was. */
export const KNOWLEDGE_LISTED = "agentlearn.knowledge.listed";

/** string[]: ids of the untested items that the run was drawn for, given or not; the next two say which. Absent without any. */
export const KNOWLEDGE_CANARY = "agentlearn.knowledge.canary";

/** boolean: whether the run was given them. */
export const KNOWLEDGE_CANARY_MEMBER = "agentlearn.knowledge.canary_member";

/** double in (0, 1): the probability of that. */
export const KNOWLEDGE_CANARY_SHARE = "agentlearn.knowledge.canary_share";

/** string: what the draw of the request hangs on, as an agent above said in baggage. */
export const BAGGAGE_SEED = "agentlearn.baggage.seed";

/** "control" or "knowledge": the arm of the agent above. */
export const BAGGAGE_ARM = "agentlearn.baggage.arm";

/** string[]: ids of the items that agents above were given. Shown, never counted. */
export const BAGGAGE_ITEMS = "agentlearn.baggage.items";

/** string: whom the run works for, on a span or in its resource. By it lessons are kept with the tenant they were mined from. */
export const TENANT = "agentlearn.tenant";

/** Where a tenant is read from, in this order. No convention has a name for it; `tenant.id` is what most who write one write. */
export const TENANT_KEYS: readonly string[] = [TENANT, "tenant.id"];

/** int: spans and log records that the processor of this process had to drop, or could not deliver, since it last said so. */
export const RECORDS_DROPPED = "agentlearn.processor.dropped";

/** string: the source of a judgement that we made ourselves, on the `gen_ai.evaluation.result` that says it. Such events are never read back as judgements. */
export const EVALUATION_SOURCE = "agentlearn.evaluation.source";

/** boolean: a person should look at the run. Absent where nobody needs to. */
export const EVALUATION_REVIEW = "agentlearn.evaluation.review";
