import { type Span as ApiSpan, context, trace } from "@opentelemetry/api";
import { newTraceId } from "../base/id.ts";
import { drawSeed } from "../injection/assign.ts";
import { type AssignedItem, exposureAttributes, exposureOf } from "../injection/exposure.ts";
import { type Scope, scopeOf } from "../knowledge/knowledge-item.ts";
import { TENANT } from "../telemetry/attributes.ts";
import { createReporter, type Reporter } from "../telemetry/report.ts";
import { serviceNameOf } from "../telemetry/service-name.ts";
import { whoAsks } from "./asking.ts";
import { type BaggagePolicy, createDrawReader, type RequestDraw } from "./baggage.ts";
import { withOwnBaggage } from "./propagator.ts";
import { createExposureLedger, currentRun, type ExposureLedger, type ListedText, ledgerOf, ledgersFor, withRun } from "./run-context.ts";

/** Where an injection comes from: the local store, or a collector's API. */
export type InjectionSource = (request: KnowledgeQuestion) => Promise<Assignment>;

/** Who asks is the scope; nothing of it ever comes from outside. */
export interface KnowledgeQuestion extends Scope {
  readonly task: string;
  /** What the draw depends on, see `drawSeed`. */
  readonly seed: string;
  /** The seed again where it is not the W3C trace id of this run: a conversation, or what an agent above said. */
  readonly conversationId?: string;
}

/** What both kinds of source can say: the text, and who was given and denied what. An `Injection` is one. */
export interface Assignment {
  readonly text: string;
  readonly given: readonly (AssignedItem & { readonly type: string; readonly content: string })[];
  readonly withheld: readonly AssignedItem[];
  readonly withholdProbability: number;
  readonly arm?: "knowledge" | "control";
  readonly controlShare?: number;
  readonly listed?: readonly ListedText[];
  readonly canary?: {
    readonly item: { readonly id: string; readonly type: string; readonly content: string };
    readonly member: boolean;
    readonly share: number;
  };
}

/**
 * `agentName`, `service`, `model` and `tenant`: who asks, where it is not who the run or the settings say. "" says nobody. Items for another agent, service or
 * model are left out; items of a tenant are given where that tenant is named, and nowhere else.
 */
export interface KnowledgeCallOptions extends Scope {
  /** All runs of one conversation share a draw. Default: `gen_ai.conversation.id` of the active span, where its SDK lets it be read. */
  readonly conversationId?: string;
}

/** As a scope: who asks where neither the call nor the run says it. */
export interface KnowledgeClientOptions extends Scope {
  readonly source: InjectionSource;
  /** The service where nobody says it, the active span neither. */
  readonly fallbackService?: string | undefined;
  /** A call that takes longer gives "". Default 1,000 ms. */
  readonly timeoutMs?: number;
  /** Default on, without a secret. */
  readonly baggage?: BaggagePolicy;
}

/** What `withKnowledge` hands to its callback. */
export interface GivenKnowledge {
  readonly text: string;
  /** What stands in the text in full. `trial`: untested, put there by a person for a small share of runs. */
  readonly items: readonly { readonly id: string; readonly type: string; readonly content: string; readonly trial?: true }[];
  /** What stands there by a line only; `recall` reads it. */
  readonly listed?: readonly { readonly id: string; readonly type: string }[];
}

export interface KnowledgeClient {
  /** The block for the prompt; "" when nothing applies or anything fails. Never rejects. Writes the assignment on the active span. */
  getKnowledge(task: string, options?: KnowledgeCallOptions): Promise<string>;
  /** The same, with the items; all calls inside the callback belong to the same run. */
  withKnowledge<T>(task: string, fn: (knowledge: GivenKnowledge) => Promise<T> | T, options?: KnowledgeCallOptions): Promise<T>;
  /** The text of an item that was listed for this run or under this span, by its id or the 8 characters of its line; it counts as given from then on. Never rejects: what is not listed is answered in words. */
  recall(id: string): Promise<string>;
}

const NOTHING: GivenKnowledge = { text: "", items: [] };

export function createKnowledgeClient(options: KnowledgeClientOptions): KnowledgeClient {
  const reporter = createReporter("getKnowledge");
  const timeoutMs = options.timeoutMs ?? 1_000;
  const policy = options.baggage ?? { enabled: true };
  const drawAbove = createDrawReader(policy);

  async function fetchKnowledge(task: string, said: KnowledgeCallOptions): Promise<GivenKnowledge> {
    const run = currentRun();
    if (run?.fixedText !== undefined) return { text: run.fixedText, items: [] };
    try {
      const span = trace.getSpan(context.active());
      const ofSpan = scopeOf({ service: serviceNameOf(span) ?? options.fallbackService });
      const conversationId = said.conversationId ?? run?.conversationId ?? activeConversationId(span);
      const traceId = run?.traceId ?? activeTraceId(span) ?? newTraceId();
      const above = drawAbove(context.active());
      // Everyone who works for one request draws alike, so that it stays in one arm from end to end.
      const seed = above?.seed ?? drawSeed({ conversationId, traceId });
      const request = {
        task,
        seed,
        ...whoAsks(ofSpan, options, run ?? {}, said),
        ...(seed === traceId ? {} : { conversationId: seed }),
      };
      noteTenant(span, request.tenant, reporter);
      const assignment = await within(options.source(request), timeoutMs);
      const ledgers = [run?.exposures, span === undefined ? undefined : ledgerOf(span)].filter((ledger) => ledger !== undefined);
      for (const ledger of ledgers) note(ledger, assignment, seed, above);
      record(assignment, span, run?.exposures, reporter);
      return givenIn(assignment);
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
      if (run !== undefined) {
        const ask = async () => {
          const given = await fetchKnowledge(task, said);
          return withOwnBaggage(() => fn(given));
        };
        // The same run; what was said of who asks holds for all that is asked inside.
        return withRun({ ...run, ...scopeOf(said) }, ask);
      }
      const traceId = activeTraceId(trace.getSpan(context.active())) ?? newTraceId();
      // Said or not, what is asked inside of it draws alike.
      const { conversationId = activeConversationId(trace.getSpan(context.active())) } = said;
      const entered = {
        ...scopeOf(said),
        traceId,
        exposures: createExposureLedger(),
        ...(conversationId === undefined ? {} : { conversationId }),
      };
      return withRun(entered, async () => {
        const given = await fetchKnowledge(task, said);
        return withOwnBaggage(() => fn(given));
      });
    },
    async recall(id) {
      try {
        const ledgers = ledgersFor(context.active());
        const item = findListed(id, ledgers);
        if (item === undefined) return "No knowledge with this id is listed for this task.";
        const withholdProbability = ledgers[0]?.total()?.withholdProbability ?? 0;
        const read = { text: "", given: [item], withheld: [], withholdProbability };
        record(read, trace.getSpan(context.active()), currentRun()?.exposures, reporter);
        return item.recalled;
      } catch (caught) {
        reporter.failure("no knowledge could be recalled", caught);
        return "";
      }
    },
  };

  function note(ledger: ExposureLedger, { listed = [] }: Assignment, seed: string, above: RequestDraw | undefined): void {
    for (const item of listed) ledger.listed.set(item.id, item);
    ledger.draw = { seed, policy, above: above?.items ?? [], more: above?.more ?? 0 };
  }
}

function givenIn({ text, given, listed, canary }: Assignment): GivenKnowledge {
  const short = ({ id, type, content }: { readonly id: string; readonly type: string; readonly content: string }) => ({
    id,
    type,
    content,
  });
  const tried = canary?.member === true ? [{ ...short(canary.item), trial: true as const }] : [];
  return {
    text,
    items: [...given.map(short), ...tried],
    ...(listed === undefined ? {} : { listed: listed.map(({ id, type }) => ({ id, type })) }),
  };
}

/** As few characters of an id as its line shows. */
const SHORT_ID_CHARACTERS = 8;

function findListed(said: string, ledgers: readonly ExposureLedger[]): ListedText | undefined {
  const id = said.trim();
  for (const { listed } of ledgers) {
    const exact = listed.get(id);
    if (exact !== undefined) return exact;
    const starting = id.length < SHORT_ID_CHARACTERS ? [] : [...listed.values()].filter((item) => item.id.startsWith(id));
    if (starting.length === 1) return starting[0];
  }
  return undefined;
}

/** Never throws: the text is given, whether or not the host's span takes the note. */
function record(assignment: Assignment, span: ApiSpan | undefined, ledger: ExposureLedger | undefined, reporter: Reporter): void {
  const exposure = exposureOf(assignment);
  if (exposure === undefined) return;
  ledger?.add(exposure);
  if (span === undefined) return;
  const known = ledgerOf(span);
  known.add(exposure);
  try {
    span.setAttributes(exposureAttributes(known.total() ?? exposure));
  } catch (caught) {
    reporter.failure("the assignment could not be written on the active span", caught);
  }
}

/** Also where there is nothing to give yet: what is mined from this run later is its tenant's alone. Never throws. */
function noteTenant(span: ApiSpan | undefined, tenant: string | undefined, reporter: Reporter): void {
  if (span === undefined || tenant === undefined) return;
  try {
    span.setAttribute(TENANT, tenant);
  } catch (caught) {
    reporter.failure("the tenant could not be written on the active span", caught);
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
