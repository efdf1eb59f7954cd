export type { GivenKnowledge, KnowledgeCallOptions } from "./agent/knowledge-client.ts";
export { type FunctionTool, recallKnowledgeTool } from "./agent/recall-tool.ts";
export type { TraceOptions } from "./agent/trace-function.ts";
export { type ErrorCode, isLearnError, LearnError } from "./base/error.ts";
export type { DiffPart } from "./base/word-diff.ts";
export { AgentLearn, type AgentLearnOptions } from "./compose/agent-learn.ts";
export { AgentLearnTracingProcessor, type AiSdkListener, listenToAiSdk } from "./compose/bridges.ts";
export type { CountedCall, CycleTools } from "./compose/cycle-tools.ts";
export type { NewEvalCase } from "./compose/eval-cases.ts";
export type { CompareCallOptions } from "./compose/eval-desk.ts";
export type { BlameCallOptions, LearnCallOptions } from "./compose/learn-desk.ts";
export { getKnowledge, recallKnowledge, withKnowledge } from "./compose/process-default.ts";
export { AgentLearnLogRecordProcessor, AgentLearnSpanProcessor, type ProcessorOptions } from "./compose/processors.ts";
export { AgentLearnPropagator } from "./compose/propagator.ts";
export type { Config } from "./config/config.ts";
export { type CachedModelOptions, createCachedModel } from "./embedding/cached-model.ts";
export type { EmbeddingModel } from "./embedding/embedding-model.ts";
export { createFunctionModel, type FunctionModelOptions } from "./embedding/function-model.ts";
export { createOpenAiModel, type OpenAiModelOptions } from "./embedding/openai-model.ts";
export { openStaticModel } from "./embedding/static-model.ts";
export type { EvalComparison } from "./evaluation/compare.ts";
export type { EvalCase, EvalResult, EvalRun } from "./evaluation/evaluation.ts";
export type { JudgedPair, JudgedRuns } from "./evaluation/judge-runs.ts";
export type { Scorer } from "./evaluation/ports.ts";
export { createCanaryInjector } from "./injection/canary-injector.ts";
export { createEmbeddingInjector } from "./injection/embedding-injector.ts";
export { createHybridInjector } from "./injection/hybrid-injector.ts";
export type { Injection } from "./injection/injection.ts";
export type { Injector, KnowledgeSources } from "./injection/injector.ts";
export { createSimpleInjector } from "./injection/simple-injector.ts";
export { createSmartInjector } from "./injection/smart-injector.ts";
export type { AuditFinding } from "./knowledge/audit.ts";
export type { Blame, Replay, Suspect } from "./knowledge/blame.ts";
export type { SnapshotDiff } from "./knowledge/compare-snapshots.ts";
export type { Conflict, Resolution } from "./knowledge/conflict.ts";
export type { ExportedItem, KnowledgeDocument } from "./knowledge/exchange/document.ts";
export type { ImportOutcome } from "./knowledge/exchange/plan-import.ts";
export type { ItemFilter } from "./knowledge/filter.ts";
export type { GuardRecord } from "./knowledge/guards/guard-record.ts";
export type { ShownEntry, WordChanges } from "./knowledge/history.ts";
export {
  type ApprovalAnswer,
  type ApprovalQuestion,
  createHumanInLoopValidator,
  type HumanInLoopValidator,
  type HumanValidatorOptions,
} from "./knowledge/human-validator.ts";
export type {
  ExposureCounts,
  HistoryEntry,
  KnowledgeItem,
  KnowledgeStatus,
  Priority,
  Scope,
  Validation,
  ValidationPair,
} from "./knowledge/knowledge-item.ts";
export type { AgentRunner, Snapshot, SnapshotInfo, SnapshotItem } from "./knowledge/ports.ts";
export type { AuditOptions, AuditReport } from "./learner/audit-desk.ts";
export type { ConflictDesk, ConflictView, ResolveOptions } from "./learner/conflict-desk.ts";
export type { SkillsReport } from "./learner/exchange-files.ts";
export type { ItemEdit } from "./learner/item-edit.ts";
export type { BulkAction, BulkReport, BulkRequest } from "./learner/knowledge-bulk.ts";
export type { KnowledgeDesk } from "./learner/knowledge-desk.ts";
export type { ImportOptions, ImportReport, KnowledgeExchange, SectionReport } from "./learner/knowledge-exchange.ts";
export type { LearnPlan } from "./learner/plan-cycle.ts";
export type { LearnCost, LearnProgress, LearnReport } from "./learner/ports.ts";
export type { RestoreReport, SnapshotDesk } from "./learner/snapshot-desk.ts";
export { createBatchAnalyzer } from "./lesson/batch-analyzer.ts";
export type { KnowledgeType, Lesson, Taint } from "./lesson/lesson.ts";
export { llmAnalyzer } from "./lesson/llm-analyzer.ts";
export type { AnalysisResult, Analyzer, JudgedTrace, KnownItem, Surroundings } from "./lesson/ports.ts";
export { recoveryAnalyzer } from "./lesson/recovery-analyzer.ts";
export { createTieredAnalyzer } from "./lesson/tiered-analyzer.ts";
export { createLlm, type Llm, type LlmOptions } from "./llm/client.ts";
export type { JudgeComparison } from "./outcome/compare-answers.ts";
export { type CompositeSignalOptions, createCompositeSignal, type WeightedSignal } from "./outcome/composite-signal.ts";
export { type CustomVerdict, customSignal } from "./outcome/custom-signal.ts";
export { deterministicSignal } from "./outcome/deterministic-signal.ts";
export { type HumanFeedbackOptions, humanFeedback } from "./outcome/human-feedback.ts";
export { type JsonCheckOptions, jsonCheck } from "./outcome/json-check.ts";
export type { Judgement } from "./outcome/judge-answer.ts";
export { createLlmJudge, type JudgeCase, type LlmJudge, type LlmJudgeOptions } from "./outcome/llm-judge.ts";
export type { Feedback, Outcome, OutcomeStatus } from "./outcome/outcome.ts";
export type { OutcomeSignal, TraceCheck } from "./outcome/ports.ts";
export type { CompletenessReason, Step, Trace, TraceSummary } from "./trace/trace.ts";
