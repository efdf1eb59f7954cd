import type { TimeUs } from "../base/clock.ts";
import type { Attributes, AttributeValue } from "./raw-span.ts";

/** The part a span plays in an agent run, whatever dialect said so. */
export type SpanRole = "agent" | "llm" | "tool" | "retrieval" | "embedding" | "wrapper" | "other";

export type Part =
  | { readonly type: "text"; readonly content: string }
  | { readonly type: "reasoning"; readonly content: string }
  | { readonly type: "tool_call"; readonly id?: string; readonly name: string; readonly arguments: AttributeValue }
  | { readonly type: "tool_call_response"; readonly id?: string; readonly response: AttributeValue }
  | { readonly type: "other"; readonly value: AttributeValue };

/** One message of a conversation, in the shape of OTel GenAI `gen_ai.input.messages`. */
export interface Message {
  /** system, user, assistant, tool, or what the emitter said. */
  readonly role: string;
  readonly parts: readonly Part[];
}

/** Tokens; input includes cached, output includes reasoning. An absent field means "not reported", never zero. */
export interface Usage {
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  /** Part of the input, read from the provider's prompt cache. */
  readonly cacheReadTokens?: number;
  /** Part of the input, written to that cache. */
  readonly cacheWriteTokens?: number;
  readonly reasoningTokens?: number;
}

export interface SpanError {
  /** `error.type` or the exception type. */
  readonly type?: string;
  readonly message: string;
}

/** What a retriever, a reranker or a memory search found. */
export interface RetrievedDocument {
  readonly id?: string;
  /** As reported, no fixed range. */
  readonly score?: number;
  readonly content?: string;
  readonly metadata?: AttributeValue;
}

export interface Retrieval {
  readonly query?: string;
  /** In the order of the emitter. Empty means that it said it found nothing. */
  readonly documents?: readonly RetrievedDocument[];
}

/** A judgement by another tool: `gen_ai.evaluation.result`. */
export interface Evaluation {
  readonly name: string;
  /** As reported, no fixed range. */
  readonly score?: number;
  readonly label?: string;
  readonly explanation?: string;
}

/** Which knowledge a run was given or denied, as stamped on a span by injection. */
export interface SpanExposure {
  readonly given: readonly string[];
  readonly withheld: readonly string[];
  /** Total probability, in [0, 1), with which each eligible normal item is withheld: by its own draw or by the control group. */
  readonly withholdProbability: number;
  /** Which of `given` and `withheld` are pinned. Those are withheld in the control group only, with probability `controlShare`. */
  readonly pinned?: readonly string[];
  /** Absent where no control group is drawn, and then `controlShare` is too. A control run is given nothing. */
  readonly arm?: "knowledge" | "control";
  /** Probability, in (0, 1), of the control group. */
  readonly controlShare?: number;
  /** Only a line of each stood in the prompt, and the agent did not read it; those it read are `given`. By the same draw. */
  readonly listed?: readonly string[];
  /** Untested items that the run was drawn for: given when it is a member, which has this probability in (0, 1). In no other list. */
  readonly canary?: { readonly ids: readonly string[]; readonly member: boolean; readonly share: number };
}

/** One normalised step. Everything that an emitter did not say is absent, never guessed. */
export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly remoteParent?: boolean;
  readonly name: string;
  readonly role: SpanRole;
  /** True when any GenAI dialect recognised the span. */
  readonly genAi: boolean;
  readonly startTimeUs: TimeUs;
  readonly endTimeUs: TimeUs;
  readonly operation?: string;
  readonly provider?: string;
  /** The one that answered; where that is not told, the one that was asked for. */
  readonly model?: string;
  /** The one that was asked for, where the emitter tells it apart. */
  readonly requestModel?: string;
  readonly responseId?: string;
  /** Normalised: tool_call, stop, length, content_filter, error, or as said. */
  readonly finishReasons?: readonly string[];
  readonly usage?: Usage;
  readonly system?: string;
  readonly inputMessages?: readonly Message[];
  readonly outputMessages?: readonly Message[];
  /** Plain input and output of agent, tool or retrieval spans that carry no messages. */
  readonly input?: string;
  readonly output?: string;
  readonly tool?: {
    readonly name: string;
    readonly callId?: string;
    readonly arguments?: AttributeValue;
    readonly result?: AttributeValue;
  };
  readonly retrieval?: Retrieval;
  /** From the start of the span to the first token or chunk, in milliseconds. */
  readonly timeToFirstTokenMs?: number;
  /** US dollars, only where the emitter says so; never computed from tokens. Zero is "unknown price" for some emitters, so it is absent. */
  readonly costUsd?: number;
  readonly error?: SpanError;
  readonly agentName?: string;
  readonly conversationId?: string;
  readonly userId?: string;
  readonly service?: string;
  /** Whom the call works for: `agentlearn.tenant`, else `tenant.id`, of the span before its resource. */
  readonly tenant?: string;
  readonly evaluations: readonly Evaluation[];
  readonly exposure?: SpanExposure;
  /** GenAI attributes that no rule maps; kept as they came. */
  readonly metadata: Attributes;
}

/** What makes an emitter write the words of its calls. */
export interface ContentSwitch {
  /** The setting itself, to be copied: an environment variable, or an option in code. */
  readonly set: string;
  /** Where it goes, or what else it needs. */
  readonly note?: string;
}

/** Whether the LLM calls of one emitter carry words. Without them there is nothing to learn from. */
export interface ScopeContent {
  /** Name of the instrumentation scope; "" when the emitter gave none. */
  readonly scope: string;
  /** `telemetry.sdk.language` of the resource. */
  readonly language?: string;
  readonly service?: string;
  readonly llmCalls: number;
  /** Of them, with text, tool arguments or tool answers, on the span or in its log records. */
  readonly withContent: number;
  /** Of them, with any GenAI log record: some emitters write their content nowhere else. */
  readonly withLogRecords: number;
  /** Present when there are calls and none of them carries content. */
  readonly switch?: ContentSwitch;
}
