import { describe, expect, test } from "vitest";
import { hookOf, recordingOf, replayed } from "./native-payloads.ts";
import { NATIVE_PAYLOADS, normalised } from "./payloads.ts";

/** `<kind of line> | <path>`, indices in paths replaced by N. */
type Place = string;

interface IgnoredField {
  readonly place: RegExp;
  readonly reason: string;
}

/** Recorded fields that make no difference to any span, each with the reason why that is right. */
const IGNORED: readonly IgnoredField[] = [
  { place: /^openai-agents .* \| [ts]\.object$/, reason: "says that a trace is a trace" },
  { place: /^openai-agents traceEnd/, reason: "the start of the trace said the same" },
  { place: /\| s\.(?:span_data|error)\b/, reason: "what toJSON makes of the live object beside it, with less in it" },
  {
    place:
      /\.(?:object|created_at|created|system_fingerprint|service_tier|parallel_tool_calls|store|text\.format\.type|tool_choice|truncation)$/,
    reason: "settings and marks of the provider; no lesson is in them",
  },
  {
    place: /\| (?:raw\.data\._response|event)\.tools\b/,
    reason: "the same definitions with every call; what was called is told by the calls",
  },
  { place: /\| raw\.data\._response\.(?:output_text|id)$/, reason: "the text of the output, and the id of the response, once more" },
  {
    place: /\.(?:output|_input)\.N\.(?:id|name|status|type|role|content\.N\.type|output\.type|providerData\..*)$/,
    reason: "numbers an item, or repeats what its look or its call says",
  },
  {
    place: /\.N\.(?:index|message\.role|(?:message\.)?tool_calls\.N\.type)$/,
    reason: "one choice, of the assistant, and functions are the only kind of tool",
  },
  { place: /total_tokens$|\.totalTokens$|\.(?:noCache|text)$|(?:noCache|text)Tokens$/, reason: "a sum or a difference of what is mapped" },
  { place: /\| raw\.data\.usage\./, reason: "of a turn: those of its call" },
  { place: /\| raw\.data\.response_id$/, reason: "the answer carries it as well" },
  { place: /\| raw\.error\.data\.tool_name$/, reason: "the name of the tool once more" },
  { place: /\| event\.(?:operationId|maxRetries|headers\..*|aiVersion)$/, reason: "of the SDK and its client, nothing of the agent" },
  {
    place: /\| event\.messages\..*(?:role|type|toolName)$/,
    reason: "the look of a message says the same; a result's tool is named by its call",
  },
  { place: /executeTool \| event\.messages\b/, reason: "the model call before it was sent the same" },
  { place: /\| event\.functionId$/, reason: "stands on every operation of a run" },
  { place: /\.(?:request|response)\.(?:body|headers|url|timestamp)\b/, reason: "the exchange on the wire; what was said stands beside it" },
  { place: /\.raw(?:FinishReason)?\b|\.finishReason\.raw$/, reason: "the provider's spelling of what is mapped" },
  { place: /providerMetadata|providerOptions/, reason: "the provider's numbers of its items" },
  { place: /^ai-channel step \| result\./, reason: "a step holds a call and its tools, which tell it themselves" },
  {
    place: /\| result\.(?:steps\.N\.|_output$|totalUsage\.)/,
    reason: "a run holds steps; what it adds is its last answer and the sum of its tokens",
  },
  { place: /\| (?:event\.toolCall|result\.content\.N)\.type$/, reason: "the look of a part says the same" },
  {
    place: /\| result\.(?:output\.(?:toolCallId|toolName|dynamic|input\b.*)|toolExecutionMs|value)$/,
    reason: "repeats the call and its times",
  },
  { place: /\| result\.embedding\.N$/, reason: "numbers that nobody reads" },
  { place: /\| (?:result|error)$/, reason: "how the recorder wrote that there is none" },
];

/** Every leaf of a line, and the line without it. */
function places(hook: string, recording: readonly unknown[]): ReadonlySet<Place> {
  const found = new Set<Place>();
  for (const line of recording) walk(line, kindOf(hook, line), "", (place) => void found.add(place));
  return found;
}

function kindOf(hook: string, line: unknown): string {
  const { type, raw, ev } = line as {
    readonly type?: string;
    readonly raw?: { readonly data: { readonly type: string } };
    readonly ev?: string;
  };
  return `${hook} ${type ?? raw?.data.type ?? ev}`;
}

function walk(value: unknown, kind: string, path: string, leaf: (place: Place) => void): void {
  // What is null or empty says nothing.
  if (value === null || value === undefined) return;
  const entries = typeof value === "object" ? Object.entries(value) : [];
  if (typeof value !== "object") leaf(`${kind} | ${path}`);
  for (const [key, child] of entries) walk(child, kind, `${path === "" ? "" : `${path}.`}${Array.isArray(value) ? "N" : key}`, leaf);
}

function without(value: unknown, kind: string, path: string, gone: Place): unknown {
  if (typeof value !== "object" || value === null) return value;
  const list = Array.isArray(value);
  const kept = Object.entries(value).flatMap(([key, child]) => {
    const at = `${path === "" ? "" : `${path}.`}${list ? "N" : key}`;
    const isLeaf = typeof child !== "object" || child === null || Object.keys(child).length === 0;
    return isLeaf && `${kind} | ${at}` === gone ? [] : [[key, without(child, kind, at, gone)] as const];
  });
  return list ? kept.map(([, child]) => child) : Object.fromEntries(kept);
}

// How the recorder wrote a line, and what only the SDK needs to find an operation again.
const OF_THE_RECORDING = /\| (?:ph|keys\.N|type|ev|event\.callId|event\.stepNumber)$/;

describe.each(NATIVE_PAYLOADS)("each field of %s", (name) => {
  test("is mapped, kept or ignored for a reason", async () => {
    const hook = hookOf(name);
    const recording = recordingOf(name);
    const printed = async (lines: readonly unknown[]): Promise<string> => JSON.stringify(normalised(await replayed(hook, lines)));
    const whole = await printed(recording);
    const homeless: Place[] = [];
    for (const place of places(hook, recording)) {
      if (OF_THE_RECORDING.test(place)) continue;
      if ((await printed(recording.map((line) => without(line, kindOf(hook, line), "", place)))) === whole) homeless.push(place);
    }
    expect(homeless.length).toBeLessThan(places(hook, recording).size);
    expect(homeless.filter((place) => !IGNORED.some((ignored) => ignored.place.test(place)))).toEqual([]);
  });
});
