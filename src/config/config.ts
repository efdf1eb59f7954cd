import { z } from "zod";

/** Every setting of the library, the commands and the collector. Read once by `loadConfig`, then frozen. */
export interface Config {
  readonly store: string;
  readonly endpoint?: string | undefined;
  readonly apiUrl?: string | undefined;
  readonly agentName?: string | undefined;
  readonly serviceName?: string | undefined;
  readonly agentModel?: string | undefined;
  readonly tenant?: string | undefined;
  readonly injector: "smart" | "simple" | "embedding" | "hybrid" | "canary";
  readonly canaryShare: number;
  readonly baggage: "on" | "off";
  readonly baggageSecret?: string | undefined;
  readonly withholdProbability: number;
  readonly controlShare: number;
  readonly maxItems: number;
  readonly maxTokens: number;
  readonly maxPinned: number;
  readonly gate: "strict" | "default" | "reference80";
  readonly alpha: number;
  readonly effectAlpha: number;
  readonly minimumGain: number;
  readonly hibernateDays: number;
  readonly passScore: number;
  readonly confirmReplicates: number;
  readonly maxRounds: number;
  readonly concurrency: number;
  readonly activation: "approval" | "evidence" | "evidence-untrusted";
  readonly online: "on" | "off";
  readonly onlineShare: number;
  readonly onlineMaxRuns: number;
  readonly onlineMaxCandidates: number;
  readonly onlineWaitMs: number;
  readonly safetyCases: "on" | "off";
  readonly lessonScope: "narrow" | "tenant" | "open";
  readonly quietMs: number;
  readonly idleMs: number;
  readonly learnEveryMs: number;
  readonly learnWithModelEveryMs: number;
  readonly budgetUsdPerDay?: number | undefined;
  readonly budgetUsdPerCycle?: number | undefined;
  readonly budgetTokensPerDay?: number | undefined;
  readonly budgetTokensPerCycle?: number | undefined;
  readonly budgetCallsPerDay?: number | undefined;
  readonly budgetCallsPerCycle?: number | undefined;
  readonly rawRetentionDays: number;
  readonly traceRetentionDays: number;
  readonly host: string;
  readonly otlpHttpPort: number;
  readonly otlpGrpcPort: number;
  readonly apiPort: number;
  readonly token?: string | undefined;
  readonly tlsCertFile?: string | undefined;
  readonly tlsKeyFile?: string | undefined;
  readonly allowOpenBind: boolean;
  readonly corsOrigins?: string | undefined;
  readonly maxBodyBytes: number;
  readonly model: string;
  readonly judge: "on" | "off";
  readonly judgeModel?: string | undefined;
  readonly judgeShare: number;
  readonly evaluationsEndpoint?: string | undefined;
  readonly smallModel?: string | undefined;
  readonly analyzer: "recovery" | "llm" | "batch" | "tiered";
  readonly modelPrices?: string | undefined;
  readonly modelOutputTokens: number;
  readonly modelTimeoutMs: number;
  readonly openaiApiKey?: string | undefined;
  readonly openaiBaseUrl?: string | undefined;
}

const text = z.string("must be text").trim().min(1, "must not be empty");
const httpUrl = text.refine(
  (value) => /^https?:\/\/[^/]/i.test(value) && URL.canParse(value),
  "must be a URL that starts with http:// or https://",
);
const storeUrl = text.refine(
  (value) => /^file:./i.test(value) || (/^(?:libsql|https?|wss?):\/\/[^/]/i.test(value) && URL.canParse(value)),
  "must start with file:, libsql://, http(s):// or ws(s)://, for example file:./agentlearn.db",
);
const number = z.number("must be a number");
const count = number.int("must be a whole number").min(1, "must be at least 1");
const port = number.int("must be a whole number").min(0, "must be from 0 to 65535").max(65_535, "must be from 0 to 65535");
const share = number.min(0, "must be at least 0").max(1, "must be at most 1");
const days = number.min(0, "must be at least 0");
const belowOne = number.min(0, "must be at least 0").lt(1, "must be below 1");
const probability = number.gt(0, "must be above 0").lt(1, "must be below 1");
// setTimeout takes no more than this and fires at once above it.
const milliseconds = number.int("must be a whole number").min(0, "must be at least 0").max(2_147_483_647, "must be at most 2147483647");
const dollars = number.min(0, "must be at least 0");
const limit = number.int("must be a whole number").min(0, "must be at least 0");
const prices = text.refine(
  (value) => value.split(",").every((part) => /^\s*[^=,\s][^,]*=\s*\d+(?:\.\d+)?\s*\/\s*\d+(?:\.\d+)?\s*$/u.test(part)),
  "must be like gpt-4o-mini=0.15/0.60: model, input and output in USD per million tokens, separated by commas",
);
const origins = text.refine(
  (value) => value.split(",").every((part) => part.trim() === "*" || isOrigin(part.trim())),
  "must be * or origins like https://app.example, separated by commas",
);

/** @internal The one schema; unknown keys are errors. Descriptions become the documentation. */
export const configSchema: z.ZodType<Config> & { readonly shape: { readonly [key in keyof Config]-?: z.ZodType } } = z.strictObject({
  store: storeUrl
    .default("file:./.agentlearn/agentlearn.db")
    .describe("Where everything is kept: a local file, or the URL of a libSQL server."),
  endpoint: httpUrl.optional().describe("A running AgentLearn to send to and read from, instead of opening the store."),
  apiUrl: httpUrl.optional().describe("API of that AgentLearn, where it is not on the endpoint's host at apiPort."),
  agentName: text.optional().describe("The agent this process is, where its spans do not say. Knowledge of other agents is left out."),
  serviceName: text
    .optional()
    .describe("The service this process is. Falls back to its spans, then OTEL_SERVICE_NAME. Knowledge of other services is left out."),
  agentModel: text
    .optional()
    .describe("The model this agent calls, as gen_ai.request.model says it. Knowledge of other models is left out."),
  tenant: text
    .optional()
    .describe("The tenant this process works for. Knowledge of a tenant is given where that one is named, and nowhere else."),
  injector: z
    .enum(["smart", "simple", "embedding", "hybrid", "canary"], 'must be "smart", "simple", "embedding", "hybrid" or "canary"')
    .default("smart")
    .describe("How this process chooses knowledge; canary needs the store, the others a collector will do. See Injectors."),
  canaryShare: probability
    .default(0.05)
    .describe("Share of the runs, or conversations, in which the canary injector tries what a person put into canary."),
  baggage: z
    .enum(["on", "off"], 'must be "on" or "off"')
    .default("on")
    .describe("Whether the draw travels to agents in other processes, and is taken from them, in W3C baggage."),
  baggageSecret: text
    .min(16, "must have at least 16 characters")
    .optional()
    .describe("Signs what travels in baggage (HMAC-SHA256); with it, what is not signed with the same is ignored."),
  withholdProbability: belowOne
    .default(0.1)
    .describe("Share of the runs in which each eligible item is held back, so that its effect can be measured."),
  controlShare: belowOne
    .default(0)
    .describe("Share of the runs, or conversations, that get no knowledge at all, pinned items neither: what all of it together is worth."),
  maxItems: count.default(10).describe("Most normal items in one prompt."),
  maxTokens: count.default(1500).describe("Most tokens of all items in one prompt, estimated."),
  maxPinned: count.default(20).describe("Most pinned items in one prompt; the oldest stay."),
  gate: z
    .enum(["strict", "default", "reference80"], 'must be "strict", "default" or "reference80"')
    .default("default")
    .describe(
      "How sure a promotion by eval cases must be: alpha 0.01, 0.05, or 0.2, which is called 80 % confidence elsewhere. Nothing else is loosened by it.",
    ),
  alpha: probability
    .default(0.05)
    .describe("Error budget of the whole stream of candidates: expected share of useless ones among those that pass. Goes before gate."),
  effectAlpha: probability
    .default(0.05)
    .describe(
      "Probability with which an item that does nothing is ever called helpful or harmful by live runs, and taken out of use for it. No gate touches it.",
    ),
  minimumGain: share.default(0.05).describe("Least mean score gain with which a candidate passes."),
  hibernateDays: days
    .default(0)
    .describe("Days after which an active item that no task asked for, while others ran, is taken out of use. 0 keeps it."),
  passScore: number
    .gt(0, "must be above 0")
    .max(1, "must be at most 1")
    .default(0.7)
    .describe("Score from which an eval case counts as passed."),
  confirmReplicates: number
    .int("must be a whole number")
    .min(0, "must be at least 0")
    .default(11)
    .describe(
      "Most repetitions of a lost case, which tell a regression from luck; with 2 or so, a loss that all repeat is one; with 0 any is.",
    ),
  maxRounds: number
    .int("must be a whole number")
    .min(1, "must be at least 1")
    .max(1000, "must be at most 1000")
    .default(16)
    .describe(
      "Most rounds in which a candidate's test runs every case on both sides; agents that always answer the same need one to three.",
    ),
  concurrency: count.default(4).describe("Eval cases that run at once."),
  activation: z
    .enum(["approval", "evidence", "evidence-untrusted"], 'must be "approval", "evidence" or "evidence-untrusted"')
    .default("approval")
    .describe(
      "What makes a validated item active: a person, or the evidence alone where no word of it came from users, tools or files; evidence-untrusted lifts that last condition, and then whoever can write into your traces may come to instruct your agent. See Guards.",
    ),
  online: z
    .enum(["on", "off"], 'must be "on" or "off"')
    .default("off")
    .describe(
      "Whether candidates that no guard objects to are tried, untested, on a share of live runs, and decided on by their outcomes. See Online validation.",
    ),
  onlineShare: number
    .gt(0, "must be above 0")
    .max(0.5, "must be at most 0.5")
    .default(0.1)
    .describe("Share of the matching runs, or conversations, that are given an untested item; never more than half."),
  onlineMaxRuns: count
    .max(10_000, "must be at most 10000")
    .default(500)
    .describe("Most answers to agents that ever hold one item while it is untested, over all processes."),
  onlineMaxCandidates: count
    .max(20, "must be at most 20")
    .default(3)
    .describe("Most candidates that are tried at the same time; one run meets one of them at most."),
  onlineWaitMs: milliseconds
    .default(600_000)
    .describe(
      "Milliseconds after its start before a run counts for anything but harm: longer than your evaluations and feedback take to arrive.",
    ),
  safetyCases: z
    .enum(["on", "off"], 'must be "on" or "off"')
    .default("on")
    .describe("Whether the safety cases that ship are asked, beside eval cases tagged safety, before an item becomes active."),
  lessonScope: z
    .enum(["narrow", "tenant", "open"], 'must be "narrow", "tenant" or "open"')
    .default("narrow")
    .describe(
      "Who is given what is mined: the tenant and the agent, or service, that its runs share; their tenant alone; or, with open, everybody, tenants too. See Whom an item is for.",
    ),
  quietMs: milliseconds.default(10_000).describe("Milliseconds without news after which a trace whose root ended is complete."),
  idleMs: milliseconds.default(60_000).describe("Milliseconds without news after which a trace without a root is complete."),
  learnEveryMs: milliseconds
    .min(1_000, "must be at least 1000")
    .default(60_000)
    .describe("Milliseconds between two rounds in which the collector mines new traces; no model is called there."),
  learnWithModelEveryMs: milliseconds
    .default(0)
    .describe(
      "Milliseconds between two full cycles of the collector, with the model and its cost; they need a budget. 0: never, as somebody must ask.",
    ),
  budgetUsdPerDay: dollars
    .optional()
    .describe(
      "Most USD that learning may pay for models on one day (UTC). Needs the price of the model, see modelPrices. No limit by default.",
    ),
  budgetUsdPerCycle: dollars.optional().describe("The same for one learn cycle."),
  budgetTokensPerDay: limit.optional().describe("Most tokens, in and out, that learning may use on one day (UTC)."),
  budgetTokensPerCycle: limit.optional().describe("The same for one learn cycle."),
  budgetCallsPerDay: limit.optional().describe("Most calls of a model that learning may make on one day (UTC)."),
  budgetCallsPerCycle: limit.optional().describe("The same for one learn cycle."),
  rawRetentionDays: days
    .default(7)
    .describe(
      "Days after which the collector deletes request bodies that were mapped or can't be; their spans stay. 0 keeps them for ever.",
    ),
  traceRetentionDays: days
    .default(0)
    .describe(
      "Days after which runs go, with spans, steps and outcomes; sources of knowledge and what was counted stay. 0 keeps for ever.",
    ),
  host: text.default("127.0.0.1").describe("Address the collector listens on. Beyond loopback it needs a token, or allowOpenBind."),
  otlpHttpPort: port.default(4318).describe("Port for OTLP over HTTP; 0 takes a free one."),
  otlpGrpcPort: port.default(4317).describe("Port for OTLP over gRPC; 0 takes a free one."),
  apiPort: port.default(4320).describe("Port for the API, the review page and /metrics; 0 takes a free one."),
  token: text
    .regex(/^[\x21-\x7e]+$/, "must be ASCII without spaces")
    .optional()
    .describe("Secret that the collector asks for, and that this process sends to the endpoint, as Authorization: Bearer."),
  tlsCertFile: text.optional().describe("Certificate chain in PEM. With it and tlsKeyFile, the collector speaks TLS on all its ports."),
  tlsKeyFile: text.optional().describe("Private key of tlsCertFile, in PEM."),
  allowOpenBind: z
    .boolean("must be true or false")
    .default(false)
    .describe("Lets the collector listen beyond loopback without a token, where something before it keeps others out."),
  corsOrigins: origins
    .optional()
    .describe("Origins of pages that may send OTLP over HTTP, separated by commas; * for all. None by default."),
  maxBodyBytes: number
    .int("must be a whole number")
    .min(1024, "must be at least 1024")
    .max(268_435_456, "must be at most 268435456")
    .default(67_108_864)
    .describe("Most bytes of one OTLP request, as sent and again after decompression."),
  model: text.default("gpt-4o-mini").describe("Model for judging and for mining lessons."),
  judge: z
    .enum(["on", "off"], 'must be "on" or "off"')
    .default("off")
    .describe("Whether `learn` has the model judge runs that ended well as far as one can see."),
  judgeModel: text.optional().describe("Model for judging, where it is not `model`; best of another family than the agent's."),
  judgeShare: share.default(1).describe("Share of the runs that the judge reads, always the same ones."),
  evaluationsEndpoint: httpUrl
    .optional()
    .describe("OTLP/HTTP receiver that `learn` sends its own judgements to, as gen_ai.evaluation.result. None by default."),
  smallModel: text.optional().describe("Model that the analyzer tiered asks before model. Without it there is one tier less."),
  analyzer: z
    .enum(["recovery", "llm", "batch", "tiered"], 'must be "recovery", "llm", "batch" or "tiered"')
    .default("llm")
    .describe("What mines lessons where a model can be asked. Recovery, which needs none, always takes part. See Analyzers."),
  modelPrices: prices
    .optional()
    .describe(
      "What models cost in USD per million tokens, as MODEL=INPUT/OUTPUT, separated by commas. What is not listed is unknown, not free.",
    ),
  modelOutputTokens: count
    .default(8_192)
    .describe("Most tokens of one answer of the model; a call is booked with as many before it is made."),
  modelTimeoutMs: milliseconds
    .min(1, "must be at least 1")
    .default(60_000)
    .describe("Milliseconds for one answer of the model, to its last byte; it is then asked again, at most twice."),
  openaiApiKey: text.optional().describe("Key for the model. Falls back to OPENAI_API_KEY."),
  openaiBaseUrl: httpUrl.optional().describe("Base URL of an OpenAI-compatible server. Falls back to OPENAI_BASE_URL."),
});

/** @internal */
export const configKeys: readonly (keyof Config)[] = Object.keys(configSchema.shape) as (keyof Config)[];

function isOrigin(value: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\/[^/?#@\s]+$/i.test(value) && URL.canParse(value);
}
