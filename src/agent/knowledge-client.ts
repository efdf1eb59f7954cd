import { type Span as ApiSpan, context, trace } from "@opentelemetry/api";
import { newTraceId } from "../base/id.ts";
import { drawSeed } from "../injection/assign.ts";
import { type AssignedItem, exposureAttributes, exposureOf } from "../injection/exposure.ts";
import { createReporter, type Reporter } from "../telemetry/report.ts";
import { createExposureLedger, currentRun, type ExposureLedger, withRun } from "./run-context.ts";

/** Where an injection comes from: the local store, or a collector's API. */
export type InjectionSource = (request: {
  readonly task: string;
  readonly agentName?: string;
  /** What the draw depends on, see `drawSeed`. */
  readonly seed: string;
  /** Set where the seed is a conversation and not a W3C trace id. */
  readonly conversationId?: string;
}) => Promise<Assignment>;

/** What both kinds of source can say: the text, and who was given and denied what. An `Injection` is one. */
export interface Assignment {
  readonly text: string;
  readonly given: readonly (AssignedItem & { readonly type: string; readonly content: string })[];
  readonly withheld: readonly AssignedItem[];
  readonly withholdProbability: number;
  readonly arm?: "knowledge" | "control";
  readonly controlShare?: number;
}

export interface KnowledgeCallOptions {
  /** All runs of one conversation share a draw. Default: `gen_ai.conversation.id` of the active span, where its SDK lets it be read. */
  readonly conversationId?: string;
}

export interface KnowledgeClientOptions {
  readonly source: InjectionSource;
  readonly agentName?: string;
  /** A call that takes longer gives "". Default 1,000 ms. */
  readonly timeoutMs?: number;
}

/** What `withKnowledge` hands to its callback. */
export interface GivenKnowledge {
  readonly text: string;
  readonly items: readonly { readonly id: string; readonly type: string; readonly content: string }[];
}

export interface KnowledgeClient {
  /** The block for the prompt; "" when nothing applies or anything fails. Never rejects. Writes the assignment on the active span. */
  getKnowledge(task: string, options?: KnowledgeCallOptions): Promise<string>;
  /** The same, with the items; all calls inside the callback belong to the same run. */
  withKnowledge<T>(task: string, fn: (knowledge: GivenKnowledge) => Promise<T> | T, options?: KnowledgeCallOptions): Promise<T>;
}

const NOTHING: GivenKnowledge = { text: "", items: [] };
// A span can be asked about several times; the ledger unites the answers. Weak, so that ended spans are free.
const ledgers = new WeakMap<ApiSpan, ExposureLedger>();

export function createKnowledgeClient(options: KnowledgeClientOptions): KnowledgeClient {
  const reporter = createReporter("getKnowledge");
  const timeoutMs = options.timeoutMs ?? 1_000;

  async function fetchKnowledge(task: string, said: KnowledgeCallOptions): Promise<GivenKnowledge> {
    const run = currentRun();
    if (run?.fixedText !== undefined) return { text: run.fixedText, items: [] };
    try {
      const span = trace.getSpan(context.active());
      const agentName = run?.agentName ?? options.agentName;
      const conversationId = said.conversationId ?? run?.conversationId ?? activeConversationId(span);
      const seed = drawSeed({ conversationId, traceId: run?.traceId ?? activeTraceId(span) ?? newTraceId() });
      const request = {
        task,
        seed,
        ...(agentName === undefined ? {} : { agentName }),
        ...(seed === conversationId ? { conversationId } : {}),
      };
      const injection = await within(options.source(request), timeoutMs);
      record(injection, span, run?.exposures, reporter);
      return { text: injection.text, items: injection.given.map(({ id, type, content }) => ({ id, type, content })) };
    } catch (caught) {
      reporter.failure("no knowledge could be had", caught);
      return NOTHING;
    }
  }

  return {
    async getKnowledge(task, said = {}) {
      return (await fetchKnowledge(task, said)).text;
    },
    async withKnowledge(task, fn, said = {}) {
      const run = currentRun();
      if (run !== undefined) return fn(await fetchKnowledge(task, said));
      const traceId = activeTraceId(trace.getSpan(context.active())) ?? newTraceId();
      // Said or not, what is asked inside of it draws alike.
      const { conversationId = activeConversationId(trace.getSpan(context.active())) } = said;
      const entered = { traceId, exposures: createExposureLedger(), ...(conversationId === undefined ? {} : { conversationId }) };
      return withRun(entered, async () => fn(await fetchKnowledge(task, said)));
    },
  };
}

/** Never throws: the text is given, whether or not the host's span takes the note. */
function record(assignment: Assignment, span: ApiSpan | undefined, ledger: ExposureLedger | undefined, reporter: Reporter): void {
  const exposure = exposureOf(assignment);
  if (exposure === undefined) return;
  ledger?.add(exposure);
  if (span === undefined) return;
  const known = ledgers.get(span) ?? createExposureLedger();
  ledgers.set(span, known);
  known.add(exposure);
  try {
    span.setAttributes(exposureAttributes(known.total() ?? exposure));
  } catch (caught) {
    reporter.failure("the assignment could not be written on the active span", caught);
  }
}

function activeTraceId(span: ApiSpan | undefined): string | undefined {
  const traceId = span?.spanContext().traceId;
  return traceId === undefined || /^0*$/.test(traceId) ? undefined : traceId;
}

/** The API lets nobody read a span; those of the SDKs show their attributes all the same. */
function activeConversationId(span: ApiSpan | undefined): string | undefined {
  const { attributes } = (span ?? {}) as { readonly attributes?: { readonly [key: string]: unknown } };
  const said = attributes?.["gen_ai.conversation.id"];
  return typeof said === "string" && said !== "" ? said : undefined;
}

function within<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    timer.unref();
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
