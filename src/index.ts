export type { GivenKnowledge } from "./agent/knowledge-client.ts";
export type { TraceOptions } from "./agent/trace-function.ts";
export { type ErrorCode, isLearnError, LearnError } from "./base/error.ts";
export { AgentLearn, type AgentLearnOptions, type LearnCallOptions } from "./compose/agent-learn.ts";
export { AgentLearnTracingProcessor, type AiSdkListener, listenToAiSdk } from "./compose/bridges.ts";
export type { NewEvalCase } from "./compose/eval-cases.ts";
export { getKnowledge, withKnowledge } from "./compose/process-default.ts";
export { AgentLearnLogRecordProcessor, AgentLearnSpanProcessor, type ProcessorOptions } from "./compose/processors.ts";
export type { Config } from "./config/config.ts";
export type { EvalComparison } from "./evaluation/compare.ts";
export type { EvalCase, EvalResult, EvalRun } from "./evaluation/evaluation.ts";
export type { Scorer } from "./evaluation/ports.ts";
export type { AuditFinding } from "./knowledge/audit.ts";
export type { Conflict, Resolution } from "./knowledge/conflict.ts";
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
export type { AuditOptions, AuditReport } from "./learner/audit-desk.ts";
export type { ConflictDesk, ConflictView, ResolveOptions } from "./learner/conflict-desk.ts";
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
