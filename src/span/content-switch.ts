import type { ContentSwitch } from "./span.ts";

interface Rule {
  /** Of the instrumentation scope. */
  readonly scope: RegExp;
  /** `telemetry.sdk.language`; a rule without one holds for every language. */
  readonly language?: string;
  readonly advice: ContentSwitch;
  /** The content comes as log records and nowhere else. */
  readonly logsOnly?: true;
}

const GENAI_FLAG = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT";

const LOGS_TOO =
  "its content comes as log records, and none came: set OTEL_LOGS_EXPORTER=otlp too, or add an AgentLearnLogRecordProcessor beside the span processor";

/**
 * In order: the first that fits counts. Only switches that were seen to work or are documented by their emitter stand here; the same environment
 * variable takes a boolean in JavaScript and a mode in Python, where `true` is no mode and silently means no content.
 */
const RULES: readonly Rule[] = [
  { scope: /^@(?:opentelemetry|elastic)\/.*instrumentation-openai$/, advice: { set: `${GENAI_FLAG}=true` }, logsOnly: true },
  {
    scope: /^opentelemetry\.(?:util\.genai|instrumentation\.(?:genai|google_genai|[a-z_]+_v2))(?:\.|$)/,
    advice: {
      set: `OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental ${GENAI_FLAG}=SPAN_ONLY`,
      note: "versions before that opt-in take `true` instead of a mode, and write the content as log records",
    },
  },
  {
    scope: /^@traceloop\//,
    advice: { set: "traceContent: true", note: "it is on by default; TRACELOOP_TRACE_CONTENT=false in the environment turns it off too" },
  },
  {
    // OpenLLMetry and the contrib repository share this prefix.
    scope: /^opentelemetry\.instrumentation\./,
    language: "python",
    advice: {
      set: "TRACELOOP_TRACE_CONTENT=true",
      note: `for OpenLLMetry; a package of opentelemetry-python-contrib takes ${GENAI_FLAG}=SPAN_ONLY with OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental`,
    },
  },
  {
    scope: /^(?:@arizeai\/openinference-|openinference\.)/,
    advice: {
      set: "no OPENINFERENCE_HIDE_* variable",
      note: "content is on by default: unset them, and remove hide options from its trace configuration",
    },
  },
  {
    scope: /^(?:ai|gen_ai)$/,
    advice: { set: "recordInputs: true and recordOutputs: true", note: "in the telemetry settings of the AI SDK; both are on by default" },
  },
  {
    scope: /^@openlit\/|^openlit\b/,
    advice: { set: "captureMessageContent: true", note: "in the call that starts OpenLIT; capture_message_content=True in Python" },
  },
  {
    scope: /^gcp\.vertex\.agent$/,
    advice: {
      set: `${GENAI_FLAG}=true`,
      note: "with ADK_TELEMETRY_SCHEMA_VERSION_OPT_IN=1, and before 2.13, ADK_CAPTURE_MESSAGE_CONTENT_IN_SPANS=true",
    },
    logsOnly: true,
  },
  { scope: /^com\.anthropic\.sdk\./, advice: { set: "ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE=content" } },
  {
    scope: /^com\.anthropic\.claude_code\b/,
    advice: {
      set: "ENABLE_BETA_TRACING_DETAILED=1 BETA_TRACING_ENDPOINT=http://127.0.0.1:4318 OTEL_LOG_USER_PROMPTS=1 OTEL_LOG_TOOL_DETAILS=1 OTEL_LOG_TOOL_CONTENT=1",
      note: "the endpoint is that of your receiver; without the first two only OTEL_LOG_ASSISTANT_RESPONSES=1 tells an answer, of a whole interaction and as a log record",
    },
  },
];

const UNKNOWN: ContentSwitch = {
  set: "content capture on",
  note: `how is not known for this instrumentation: look for "content" in its documentation; many read ${GENAI_FLAG}`,
};

/**
 * What makes an instrumentation write the words of its calls. Pure; always an answer, for an unknown scope a general one. `logsCome`: its calls
 * arrive with log records already, so that nothing need be said about those.
 */
export function contentSwitchFor(scopeName: string, language?: string, logsCome = false): ContentSwitch {
  const rule = RULES.find(({ scope, language: only }) => scope.test(scopeName) && (only === undefined || only === language));
  if (rule === undefined) return UNKNOWN;
  return rule.logsOnly === true && !logsCome ? { ...rule.advice, note: LOGS_TOO } : rule.advice;
}
