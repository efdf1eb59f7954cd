export interface Ignored {
  /** Tested against `<scope> | <where> | <key>`; where is "span", "resource", "event <name>" or "log <name>", and indices in keys are N. */
  readonly place: RegExp;
  readonly reason: string;
  /**
   * What says the same, tested against `<where> | <key>`, where "status | message" and "log <name> | eventName" stand for those fields. The claim is
   * checked: without what it names, the attribute must make a difference.
   */
  readonly repeats?: RegExp;
}

/** Recorded attributes that make no difference to a normalised span, each with the reason why that is right. */
export const IGNORED: readonly Ignored[] = [
  { place: /\| resource \| telemetry\.sdk\./, reason: "tells of the SDK, nothing of the agent" },
  { place: /\| span \| (?:server|url)\./, reason: "where a request went on the wire; provider and model say who answered" },
  { place: /\| span \| http\.(?:request\.method|route)$/, reason: "the same for every call of an endpoint" },
  { place: /\| span \| http\.response\.status_code$/, reason: "a number for what error.type and the message say in words" },
  { place: /\| event exception \| exception\.stacktrace$/, reason: "frames of the host's code; two runs would never fail alike" },
  {
    place: /\| event exception \| exception\.message$/,
    reason: "the status carries the message",
    repeats: /^status \| message$|\| error\.message$/,
  },
  {
    place: /\| span \| gen_ai\.response\.finish_reasons$/,
    reason: "the answer's messages, or the emitter's own key, carry the reason as well",
    repeats: /\| gen_ai\.output\.messages$|^log gen_ai\.choice \| eventName$|\| ai\.response\.finishReason$|\| stop_reason$/,
  },
  {
    place: /@opentelemetry\/instrumentation-openai \| (?:span|log [^|]+) \| gen_ai\.(?:provider\.name|system)$/,
    reason: "stands on the span and on each of its logs",
    repeats: /\| gen_ai\.(?:provider\.name|system)$/,
  },
  {
    place: /\| log (?!(?:user_prompt|tool_decision|api_error) )[^|]+ \| event\.name$/,
    reason: "the decoder has taken it for the name of the event, and what a system says has a shape of its own",
    repeats: /\| eventName$|^log [^|]+ \| gen_ai\.system$/,
  },
  {
    place: /@traceloop\/[^|]+ \| span \| (?:gen_ai\.agent|traceloop\.workflow)\.name$/,
    reason: "its SDK writes the agent's name under several keys",
    repeats: /\| (?:gen_ai\.agent|traceloop\.workflow|traceloop\.entity)\.name$/,
  },
  { place: /\| span \| (?:input|output)\.mime_type$/, reason: "JSON is known by its look; only text/plain makes a difference" },
  { place: /\| span \| llm\.output_messages\.N\.message\.role$/, reason: "what a model answers comes from the assistant" },
  {
    place: /langchain \| span \| llm\.output_messages\.N\.message\.content$/,
    reason: "output.value holds the same message, and more of it",
    repeats: /\| output\.value$/,
  },
  { place: /contents\.N\.message_content\.type$/, reason: "text is the default of a content block" },
  {
    place: /\| span \| embedding\.embeddings\.N\.embedding\.text$/,
    reason: "input.value lists the same texts",
  },
  { place: /\| span \| embedding\.embeddings\.N\.embedding\.vector$/, reason: "numbers that nobody reads, thousands for each text" },
  {
    place: /^gen_ai \| span \| ai\.usage\.inputTokenDetails\.noCacheTokens$/,
    reason: "the difference of the input and what the cache gave, both of which are mapped",
  },
  {
    place: /^gen_ai \| span \| ai\.usage\.outputTokenDetails\.textTokens$/,
    reason: "the difference of the output and the reasoning in it, both of which are mapped",
  },
  { place: /^ai \| span \| (?:operation|resource)\.name$/, reason: "ai.operationId and ai.telemetry.functionId once more, in one text" },
  {
    place: /^ai \| span \| (?:gen_ai\.system|gen_ai\.request\.model|(?:gen_)?ai\.response\.(?:id|model))$/,
    reason: "AI SDK 5 and 6 write provider, model and id under their own key and under OTel's",
    repeats: /\| (?:gen_ai\.system|ai\.model\.(?:provider|id)|gen_ai\.request\.model|(?:gen_)?ai\.response\.(?:id|model))$/,
  },
  {
    place: /^ai \| span \| ai\.usage\.inputTokenDetails\.cacheReadTokens$/,
    reason: "AI SDK 6 keeps the name that 5 gave them beside it",
    repeats: /\| ai\.usage\.cachedInputTokens$/,
  },
  { place: /\| event ai\.stream\.firstChunk \| ai\.response\.msToFirstChunk$/, reason: "the span says it again at its end" },
  {
    place: /^langfuse-sdk \| span \| langfuse\.observation\.cost_details$/,
    reason: "recorded of failed calls alone, whose zeros are no price",
  },
  { place: /\| resource \| service\.version$/, reason: "a run is told by its service and its time" },
  {
    place: /^@mastra\/otel-exporter \| span \| (?:gen_ai\.conversation\.id|mastra\.metadata\.threadId)$/,
    reason: "a thread is a conversation, and stands under both names",
    repeats: /\| (?:gen_ai\.conversation\.id|mastra\.metadata\.threadId)$/,
  },
  {
    place: /^@mastra\/otel-exporter \| (?:span \| error\.message|event exception \| exception\.type)$/,
    reason: "the status carries the message, and error.type is the type",
    repeats: /^status \| message$|\| exception\.message$|\| error\.(?:message|type)$/,
  },
  { place: /^@mastra\/otel-exporter \| log {2}\| mastra\./, reason: "the framework's diary: the span that it stands on tells the same" },
  {
    place: /^mlflow\.tracing\.provider \| span \| (?:tools|stream|stream_options)$/,
    reason: "mlflow.spanInputs holds the whole request, these its fields",
  },
  { place: /\| event mlflow\.chunk\.item\.\d+ \| mlflow\.chunk\.value$/, reason: "mlflow.spanOutputs holds the answer put together" },
  {
    place:
      /^gcp\.vertex\.agent \| (?:span|log gen_ai\.client\.inference\.operation\.details) \| gen_ai\.(?:agent\.name|conversation\.id|provider\.name|response\.finish_reasons|tool\.definitions|usage\.[a-z_.]+)$/,
    reason: "Google ADK writes its details log and its span alike",
    repeats:
      /\| gen_ai\.(?:agent\.name|conversation\.id|provider\.name|response\.finish_reasons|output\.messages|tool\.definitions|usage\.[a-z_.]+)$/,
  },
  { place: /^gcp\.vertex\.agent \| log [^|]+ \| gcp\.vertex\.agent\.(?:event|invocation)_id$/, reason: "its span keeps them as metadata" },
  {
    place: /^gcp\.vertex\.agent \| log [^|]+ \| gen_ai\.system$/,
    reason: "stands on the span and on each of its logs",
    repeats: /\| gen_ai\.system$/,
  },
  { place: /\| event exception \| exception\.escaped$/, reason: "whether code caught the exception changes nothing of what went wrong" },
  {
    place: /httpx \| span \| http\.(?:method|url|status_code)$/,
    reason: "an older HTTP vocabulary for what the model call around it says",
  },
  {
    place: /\| (?:resource|span) \| (?:deployment\.environment|service\.name|telemetry\.sdk\.name)$/,
    reason: "openlit copies what the resource says",
  },
  {
    place: /^openlit[^|]* \| (?:span|log [^|]+) \| openlit\.agent\.version_hash$/,
    reason: "a hash over prompt and tools, for openlit's own pages",
  },
  {
    place: /^openlit[^|]* \| span \| openai\.(?:api\.type|response\.(?:system_fingerprint|service_tier))$/,
    reason: "how the provider served the call; its answer is told",
  },
  { place: /^openlit[^|]* \| span \| gen_ai\.usage\.cost$/, reason: "recorded without a table of prices: zero, which is no price" },
  { place: /^openlit[^|]* \| log [^|]+ \| server\.(?:address|port)$/, reason: "where a request went on the wire" },
  {
    place:
      /^openlit\.instrumentation\.openai \| (?:log [^|]+ \| gen_ai\.[a-z_.]+|span \| gen_ai\.(?:system_instructions|request\.max_tokens))$/,
    reason: "openlit writes its details log and its span alike, and the system's words among the messages too",
    repeats: /\| gen_ai\.[a-z_.]+$/,
  },
  {
    place: /^openlit\.instrumentation\.openai \| event exception \| exception\.type$/,
    reason: "error.type is the type",
    repeats: /\| error\.type$/,
  },
  { place: /^genkit-tracer \| span \| genkit:name$/, reason: "the name of the span as well" },
  { place: /^genkit-tracer \| span \| genkit:state$/, reason: "the status says so too" },
  {
    place:
      /^com\.anthropic\.claude_code\.tracing \| span \| (?:session\.id|gen_ai\.(?:conversation\.id|system|request\.model)|tool_use_id|model|stop_reason)$/,
    reason: "Claude Code writes its own keys and OTel's side by side",
    repeats:
      /\| (?:session\.id|gen_ai\.(?:conversation\.id|system|provider\.name|request\.model|tool\.call\.id|response\.finish_reasons)|tool_use_id|model|stop_reason)$/,
  },
  {
    place: /^com\.anthropic\.claude_code\.tracing \| span \| (?:success|error)$/,
    reason: "the status says so too, in the same words",
  },
  {
    place: /^com\.anthropic\.claude_code\.tracing \| (?:span \| user_prompt|log user_prompt \| prompt)$/,
    reason: "a log of the interaction says what was asked as well",
    repeats: /\| (?:user_prompt|prompt)$/,
  },
  {
    place: /^com\.anthropic\.claude_code\.tracing \| log user_prompt \| event\.name$/,
    reason: "the same of the name of that log",
    repeats: /\| user_prompt$|^log user_prompt \| eventName$/,
  },
  {
    place: /^com\.anthropic\.claude_code\.tracing \| log (?:tool_decision|api_error) \| event\.name$/,
    reason: "the span of a tool, or of a refused call, tells how it went",
  },
  {
    place:
      /^com\.anthropic\.claude_code\.tracing \| log (?:user_prompt|tool_decision|tool_result|api_request|assistant_response|api_error) \| (?!event\.name$|prompt$)/,
    reason: "a log says of a call or a tool what its span says; what only the log has, an answer, arguments or a price, is mapped",
  },
  { place: /\| event gen_ai\.request\.attempt \| attempt$/, reason: "the span keeps the number of its last attempt" },
];
