export type { GivenKnowledge, KnowledgeCallOptions } from "./agent/knowledge-client.ts";
export { type FunctionTool, recallKnowledgeTool } from "./agent/recall-tool.ts";
export type { TraceOptions } from "./agent/trace-function.ts";
export { type ErrorCode, isLearnError, LearnError } from "./base/error.ts";
export { AgentLearn, type AgentLearnOptions, type LearnCallOptions } from "./compose/agent-learn.ts";
export { AgentLearnTracingProcessor, type AiSdkListener, listenToAiSdk } from "./compose/bridges.ts";
export type { NewEvalCase } from "./compose/eval-cases.ts";
export { getKnowledge, recallKnowledge, withKnowledge } from "./compose/process-default.ts";
export { AgentLearnLogRecordProcessor, AgentLearnSpanProcessor, type ProcessorOptions } from "./compose/processors.ts";
export { AgentLearnPropagator } from "./compose/propagator.ts";
export type { Config } from "./config/config.ts";
export type { EmbeddingModel } from "./embedding/embedding-model.ts";
export type { EvalComparison } from "./evaluation/compare.ts";
export type { EvalCase, EvalResult, EvalRun } from "./evaluation/evaluation.ts";
export type { Scorer } from "./evaluation/ports.ts";
export { createCanaryInjector } from "./injection/canary-injector.ts";
export { createEmbeddingInjector } from "./injection/embedding-injector.ts";
export { createHybridInjector } from "./injection/hybrid-injector.ts";
export type { Injection } from "./injection/injection.ts";
export type { Injector, KnowledgeSources } from "./injection/injector.ts";
export { createSimpleInjector } from "./injection/simple-injector.ts";
export { createSmartInjector } from "./injection/smart-injector.ts";
export type {
  ExposureCounts,
  HistoryEntry,
  KnowledgeItem,
  KnowledgeStatus,
  Priority,
  Validation,
  ValidationPair,
} from "./knowledge/knowledge-item.ts";
export type { AgentRunner } from "./knowledge/ports.ts";
export type { KnowledgeDesk } from "./learner/knowledge-desk.ts";
export type { LearnProgress, LearnReport } from "./learner/ports.ts";
export type { KnowledgeType, Lesson, Taint } from "./lesson/lesson.ts";
export { llmAnalyzer } from "./lesson/llm-analyzer.ts";
export type { AnalysisResult, Analyzer, JudgedTrace } from "./lesson/ports.ts";
export { recoveryAnalyzer } from "./lesson/recovery-analyzer.ts";
export { deterministicSignal } from "./outcome/deterministic-signal.ts";
export type { Feedback, Outcome, OutcomeStatus } from "./outcome/outcome.ts";
export type { OutcomeSignal, TraceCheck } from "./outcome/ports.ts";
export type { CompletenessReason, Step, Trace, TraceSummary } from "./trace/trace.ts";
