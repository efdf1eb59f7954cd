import { randomBytes } from "node:crypto";
import { z } from "zod";
import { type Clock, systemClock } from "../base/clock.ts";
import { fromUnknown, messageOf } from "../base/error.ts";
import { newId } from "../base/id.ts";
import { isBadOutput, type Llm, type LlmUsage } from "../llm/client.ts";
import { CLAIM_SHAPE, lessonFromClaim } from "./claimed-lesson.ts";
import { cluster } from "./cluster.ts";
import { likeliest } from "./contrast.ts";
import { failureSignature } from "./failure-signature.ts";
import { independentGroups, nameSeveralUsers } from "./independent-runs.ts";
import type { Lesson } from "./lesson.ts";
import { whoWorked } from "./lesson-scope.ts";
import type { AnalysisResult, Analyzer, JudgedTrace, Surroundings } from "./ports.ts";
import { BATCH_ANALYZER_PROMPT_VERSION, batchAnalyzerSystem, batchAnalyzerUser } from "./prompts/batch-analyzer.ts";
import { renderRun } from "./render-run.ts";

export interface BatchAnalyzerOptions {
  readonly llm: Llm;
  /** Independent runs that must show a rule: other conversations, other users, other tasks. Default 3. */
  readonly minSupport?: number;
  /** Questions to the model per call of `analyze`; clusters beyond wait for the next. Default 20. */
  readonly maxClusters?: number;
  /** Failed runs shown in one question; never fewer than `minSupport`. Default 8. */
  readonly maxRuns?: number;
  /** Budget for the text of all runs in one question. Default 16,000. */
  readonly maxTokens?: number;
  /** Told the cost of every answered call. */
  readonly onUsage?: (usage: LlmUsage) => void;
  readonly clock?: Clock;
  readonly newId?: () => string;
  /** Marks the bounds of trace text in the prompt; must not be guessable. */
  readonly newNonce?: () => string;
}

type Settings = Required<Omit<BatchAnalyzerOptions, "onUsage">> & Pick<BatchAnalyzerOptions, "onUsage">;

const NAME = "batch";
const MAX_CONTRASTS = 3;
const MAX_KNOWN = 8;

/**
 * Clusters failed runs by what went wrong and asks a model once per cluster what they lacked, beside runs on similar tasks that succeeded. A lesson needs
 * `minSupport` independent runs that show it. What has too little company yet is left for later with all its runs, and asked about when another joins.
 */
export function createBatchAnalyzer(options: BatchAnalyzerOptions): Analyzer {
  const minSupport = options.minSupport ?? 3;
  const settings: Settings = {
    maxClusters: 20,
    maxTokens: 16_000,
    clock: systemClock,
    newId,
    newNonce: () => randomBytes(12).toString("hex"),
    ...options,
    minSupport,
    maxRuns: Math.max(minSupport, options.maxRuns ?? 8),
  };
  return { name: NAME, analyze: (traces, signal, surroundings) => analyze(traces, settings, signal, surroundings) };
}

interface Found {
  readonly lessons: Lesson[];
  readonly refusals: AnalysisResult["refusals"][number][];
  readonly unread: NonNullable<AnalysisResult["unread"]>[number][];
}

async function analyze(
  traces: readonly JudgedTrace[],
  settings: Settings,
  signal: AbortSignal | undefined,
  surroundings: Surroundings | undefined,
): Promise<AnalysisResult> {
  const found: Found = { lessons: [], refusals: [], unread: [] };
  const failed = traces.filter(({ outcome }) => outcome?.status === "failure");
  const succeeded = traces.filter(({ outcome }) => outcome?.status === "success");
  const severalUsers = nameSeveralUsers(traces);
  let asked = 0;
  const clusters = cluster(failed.map((judged) => ({ id: judged.trace.id, signature: failureSignature(judged), judged })));
  for (const [index, members] of clusters.entries()) {
    const runs = members.map(({ judged }) => judged);
    const traceIds = runs.map(({ trace }) => trace.id);
    const groups = independentGroups(runs, severalUsers);
    const support = new Set(groups).size;
    const wait = (reason: string, until: "next" | "more"): void => void found.unread.push({ reason, traceIds, until });
    if (support < settings.minSupport)
      wait(`${support} of the ${settings.minSupport} independent runs that a rule needs failed like this`, "more");
    // The model has said what it had to say about these; only another run makes it another question.
    else if (runs.every(({ kept }) => kept === "more")) wait("nothing new failed like this", "more");
    else if (asked === settings.maxClusters) wait(`more than ${settings.maxClusters} kinds of failure at once`, "next");
    else {
      asked += 1;
      try {
        await ask({ runs, groups, succeeded }, settings, found, signal, surroundings);
      } catch (caught) {
        if (signal?.aborted === true) throw caught;
        // What was found and paid for until then holds. Where nothing was put off yet the cycle leaves all runs unread, else those that are named.
        const failure = fromUnknown(caught, `analyzer ${NAME}`);
        const left = clusters.slice(index).flatMap((rest) => rest.map(({ id }) => id));
        if (found.unread.length > 0) found.unread.push({ reason: failure.message, traceIds: left, until: "next" });
        return { ...found, failure };
      }
    }
  }
  return found;
}

interface Question {
  readonly runs: readonly JudgedTrace[];
  /** The independent group of each run. */
  readonly groups: readonly number[];
  readonly succeeded: readonly JudgedTrace[];
}

const ANSWER = z.object({ lessons: z.array(z.object({ ...CLAIM_SHAPE, runs: z.array(z.int()) })) });

async function ask(
  { runs, groups, succeeded }: Question,
  settings: Settings,
  found: Found,
  signal: AbortSignal | undefined,
  surroundings: Surroundings | undefined,
): Promise<void> {
  const { llm, minSupport, maxTokens } = settings;
  const shown = choose(runs, groups, settings.maxRuns);
  const text = shown.map((index) => `${runs[index]?.trace.task} ${firstError(runs[index])}`).join("\n");
  const stored = (await surroundings?.successesLike(text, MAX_CONTRASTS)) ?? [];
  const contrast = likeliest(
    shown.flatMap((index) => runs[index] ?? []),
    [...succeeded, ...stored],
    MAX_CONTRASTS,
  );
  const known = (await surroundings?.itemsNear(text, MAX_KNOWN, whoWorked(runs.map(({ trace }) => trace)))) ?? [];
  const each = Math.floor(maxTokens / (shown.length + contrast.length));
  const nonce = settings.newNonce();
  const rest = runs.flatMap(({ trace }, index) => (shown.includes(index) ? [] : [trace.id]));
  if (rest.length > 0) found.unread.push({ reason: "not shown: more runs failed like this than fit", traceIds: rest, until: "more" });
  const shownIds = shown.flatMap((index) => runs[index]?.trace.id ?? []);
  try {
    const { value, usage } = await llm.json({
      system: batchAnalyzerSystem(nonce, minSupport),
      user: batchAnalyzerUser(
        nonce,
        shown.flatMap((index, at) => (runs[index] === undefined ? [] : [{ number: at + 1, text: renderRun(runs[index], each).text }])),
        contrast.map((judged, at) => ({ number: shown.length + at + 1, text: renderRun(judged, each).text })),
        known,
      ),
      schema: ANSWER,
      schemaName: "lessons",
      nonce,
      ...(signal === undefined ? {} : { signal }),
    });
    settings.onUsage?.(usage);
    const explained = new Set<string>();
    for (const claim of value.lessons) {
      const cited = [...new Set(claim.runs)].flatMap((number) => shown[number - 1] ?? []);
      const citedRuns = cited.flatMap((index) => runs[index] ?? []);
      const refuse = (reason: string): void =>
        void found.refusals.push({
          reason,
          traceIds: citedRuns.length === 0 ? shownIds : citedRuns.map(({ trace }) => trace.id),
          text: claim.content,
        });
      const support = new Set(cited.map((index) => groups[index])).size;
      if (cited.length < new Set(claim.runs).size) refuse("the model points at runs it was not shown as failed");
      else if (support < minSupport) refuse(`shown by ${support} of the ${minSupport} independent runs that a rule needs`);
      else {
        const lesson = lessonFromClaim(claim, {
          analyzer: NAME,
          runs: citedRuns,
          tags: citedRuns.flatMap(({ trace }) =>
            trace.steps.flatMap((step) => (step.error !== undefined && step.kind === "tool" ? [step.name] : [])),
          ),
          by: `${support} independent runs of ${runs.length}; ${llm.model}, ${BATCH_ANALYZER_PROMPT_VERSION}`,
          known,
          clock: settings.clock,
          newId: settings.newId,
        });
        if (typeof lesson === "string") refuse(lesson);
        else {
          found.lessons.push(lesson);
          for (const { trace } of citedRuns) explained.add(trace.id);
        }
      }
    }
    const left = shownIds.filter((id) => !explained.has(id));
    if (left.length > 0) found.unread.push({ reason: "no rule that enough of them show was found", traceIds: left, until: "more" });
  } catch (caught) {
    // Bad output is about this cluster; anything else (no network, a wrong key) is about all of them.
    if (!isBadOutput(caught)) throw caught;
    found.refusals.push({ reason: messageOf(caught), traceIds: shownIds });
    found.unread.push({ reason: "the model gave no usable answer about them", traceIds: shownIds, until: "more" });
  }
}

/** One run of every independent group before a second of any: what is shown is what can be cited. New ones before those that were shown before. */
function choose(runs: readonly JudgedTrace[], groups: readonly number[], limit: number): readonly number[] {
  const seen = new Map<number, number>();
  const order = [...runs.keys()].sort((a, b) => Number(runs[a]?.kept === "more") - Number(runs[b]?.kept === "more") || a - b);
  const turnOf = new Map(
    order.map((index) => {
      const turn = seen.get(groups[index] ?? 0) ?? 0;
      seen.set(groups[index] ?? 0, turn + 1);
      return [index, turn] as const;
    }),
  );
  return order.toSorted((a, b) => (turnOf.get(a) ?? 0) - (turnOf.get(b) ?? 0)).slice(0, limit);
}

function firstError(run: JudgedTrace | undefined): string {
  return run?.trace.steps.findLast((step) => step.error !== undefined)?.error?.message.slice(0, 300) ?? "";
}
