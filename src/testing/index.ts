/** What users may use in tests of their own: a model server on loopback, and a small agent with a database to try the loop on. */
export type { Brain, ChatMessage, ChatReply, ChatRequest, ChatTool, ChatToolCall } from "./chat.ts";
export { type LoopbackModel, type LoopbackModelOptions, startLoopbackModel } from "./loopback-model.ts";
export { createRacingAgent, type RacingAgent, type RacingAgentOptions } from "./racing-agent.ts";
export { createRacingDatabase, runSql } from "./racing-database.ts";
export { plantedHarmfulRule } from "./racing-rules.ts";
export { scoreRacing } from "./racing-score.ts";
export { type RacingTask, type RacingTasks, racingTasks } from "./racing-tasks.ts";
export { sqlBrain } from "./sql-brain.ts";
