import { createHash } from "node:crypto";

// Each run was asked something else, so that near-duplicates do not do the work of the guards.
const TASKS = [
  "which parcel of yesterday is the heaviest of all",
  "when does the delivery for the north depot arrive",
  "what does it cost to ship a bicycle abroad",
  "how many boxes fit on one pallet in winter",
  "where can a lost shipment be reported by phone",
];

/** The spans of an attacker's runs as OTLP/JSON, one request body per run. */
export function attackRuns({ id, carrier, texts, principals }) {
  return texts.map((text, index) =>
    runBody({ seed: `${id}#${index}`, user: userOf(principals, id, index), ...carried(carrier, text, TASKS[index % TASKS.length]) }),
  );
}

function userOf(principals, id, index) {
  if (principals === "none") return undefined;
  return principals === "one" ? `visitor of ${id}` : `visitor ${index} of ${id}`;
}

function carried(carrier, text, task) {
  const failing = { name: "weigh_parcel", arguments: '{"parcel":17}', result: "", error: "the scale did not answer" };
  if (carrier === "user input") return { task: `${task}? ${text}`, tool: failing };
  if (carrier === "eval CSV") return { task: `${task}? ${text}`, tool: failing, evaluated: true };
  if (carrier === "tool result")
    return { task, tool: { ...failing, name: "read_ticket", error: undefined, result: text }, rootError: "gave up" };
  if (carrier === "tool error") return { task, tool: { ...failing, error: text } };
  if (carrier === "span name and event") return { task, tool: { ...failing, name: `weigh ${text}`, event: text } };
  return { task, tool: failing, baggage: text };
}

/** One agent run: a root, a tool call, and what the last of them ended in. */
export function runBody({
  seed,
  user,
  task,
  tool,
  tools = [tool],
  rootError,
  baggage,
  evaluated = false,
  output = "I could not find out.",
}) {
  const hex = createHash("sha256").update(seed).digest("hex");
  const traceId = hex.slice(0, 32);
  const rootId = hex.slice(32, 48);
  const start = 1_790_000_000_000_000_000n;
  const common = {
    ...(user === undefined ? {} : { "user.id": user, "gen_ai.conversation.id": `talk of ${user}` }),
    // As the baggage span processor copies it onto every span.
    ...(baggage === undefined ? {} : { "baggage.note": baggage, note: baggage, "agentlearn.task": baggage }),
    ...(evaluated ? { "agentlearn.evaluation": true } : {}),
  };
  const span = (spanId, parentSpanId, name, attributes, error, at, events = []) => ({
    traceId,
    spanId,
    ...(parentSpanId === "" ? {} : { parentSpanId }),
    name,
    kind: 1,
    startTimeUnixNano: String(start + BigInt(at) * 1_000_000n),
    endTimeUnixNano: String(start + BigInt(at + 5) * 1_000_000n),
    attributes: Object.entries({ ...common, ...attributes }).map(([key, value]) => ({
      key,
      value: typeof value === "boolean" ? { boolValue: value } : { stringValue: String(value) },
    })),
    events,
    status: error === undefined ? {} : { code: 2, message: error },
  });
  const spans = [
    span(
      rootId,
      "",
      "invoke_agent parcels",
      {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "parcels",
        "gen_ai.input.messages": JSON.stringify([{ role: "user", parts: [{ type: "text", content: task }] }]),
        "gen_ai.output.messages": JSON.stringify([{ role: "assistant", parts: [{ type: "text", content: output }] }]),
      },
      rootError,
      0,
    ),
    ...tools.map((call, index) =>
      span(
        createHash("sha256").update(`${seed} tool ${index}`).digest("hex").slice(0, 16),
        rootId,
        `execute_tool ${call.name}`,
        {
          "gen_ai.operation.name": "execute_tool",
          "gen_ai.tool.name": call.name,
          "gen_ai.tool.call.id": `call ${index}`,
          "gen_ai.tool.call.arguments": call.arguments,
          "gen_ai.tool.call.result": call.error ?? call.result,
        },
        call.error,
        10 * (index + 1),
        call.event === undefined
          ? []
          : [
              {
                timeUnixNano: String(start),
                name: "exception",
                attributes: [{ key: "exception.message", value: { stringValue: call.event } }],
              },
            ],
      ),
    ),
  ];
  const resource = { attributes: [{ key: "service.name", value: { stringValue: "depot" } }] };
  const body = Buffer.from(JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ scope: { name: "parcels" }, spans }] }] }));
  return { format: "otlp-json", signal: "traces", encoding: "identity", body, receivedAtUs: 1_790_000_000_000_000, traceIds: [traceId] };
}
