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

/** int: spans and log records that the processor of this process had to drop, or could not deliver, since it last said so. */
export const RECORDS_DROPPED = "agentlearn.processor.dropped";
