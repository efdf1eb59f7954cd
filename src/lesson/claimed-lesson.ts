import { z } from "zod";
import type { Clock } from "../base/clock.ts";
import { digest, shortId } from "../base/id.ts";
import { nearDuplicate } from "../base/similarity.ts";
import { KNOWLEDGE_TYPES, type Lesson, type Taint } from "./lesson.ts";
import type { JudgedTrace, KnownItem } from "./ports.ts";

/** What a model says about one lesson, whichever analyzer asked. */
export interface Claim {
  readonly type: Lesson["type"];
  readonly content: string;
  readonly appliesWhen: string;
  readonly confidence: number;
  readonly reasoning: string;
  /** Short id of a known item. Strict mode wants every field, so what may be missing is null. */
  readonly revises: string | null;
}

export const CLAIM_SHAPE: { readonly [Field in keyof Claim]: z.ZodType<Claim[Field]> } = {
  type: z.enum(KNOWLEDGE_TYPES),
  content: z.string(),
  appliesWhen: z.string(),
  confidence: z.number().min(0).max(1),
  reasoning: z.string(),
  revises: z.string().nullable(),
};

export interface ClaimSources {
  readonly analyzer: string;
  /** The runs that the model cites. */
  readonly runs: readonly JudgedTrace[];
  readonly tags: readonly string[];
  /** Model and prompt version, as they stand behind the reasoning. */
  readonly by: string;
  /** The items that the model was shown. */
  readonly known: readonly KnownItem[];
  readonly clock: Clock;
  readonly newId: () => string;
}

/** A claim of a model as a lesson, or why it is none. Every word counts as written by a model that read users and tools. */
export function lessonFromClaim(claim: Claim, sources: ClaimSources): Lesson | string {
  const revised = claim.revises === null || claim.revises.trim() === "" ? undefined : revisedItem(claim.revises, sources.known);
  if (revised === null) return "the model revises an item it was not shown";
  const content = oneLine(claim.content, claim.type);
  const appliesWhen = oneLine(claim.appliesWhen, "skill");
  if (revised !== undefined && nearDuplicate(revised.content, content) && nearDuplicate(revised.appliesWhen, appliesWhen))
    return `it says the same as item ${shortId(revised.id)}, which it was to revise`;
  const runs = sources.runs.map(({ trace }) => trace);
  const sawUsers = runs.some((trace) => trace.task !== "");
  const sawTools = runs.some((trace) => trace.steps.some((step) => step.kind === "tool" || step.kind === "retrieval"));
  const taint: readonly Taint[] = ["model", ...(sawUsers ? (["user"] as const) : []), ...(sawTools ? (["tool"] as const) : [])];
  return {
    id: sources.newId(),
    type: claim.type,
    content,
    appliesWhen,
    tags: [...new Set(sources.tags)].slice(0, 8),
    sourceTraceIds: runs.map((trace) => trace.id),
    analyzer: sources.analyzer,
    confidence: claim.confidence,
    reasoning: `${claim.reasoning} (${sources.by})`,
    taint,
    ...(revised === undefined ? {} : { revises: revised.id }),
    // One name for all of them: who said it first does not make it another lesson.
    fingerprint: digest(["llm", claim.type, wordsOf(content)]),
    createdAtUs: sources.clock.nowUs(),
  };
}

/** Null for an id that names none of them, or several. */
function revisedItem(said: string, known: readonly KnownItem[]): KnownItem | null {
  const prefix = said.trim().toLowerCase();
  const meant = prefix.length < 8 ? [] : known.filter(({ id }) => id.startsWith(prefix));
  return meant.length === 1 ? (meant[0] ?? null) : null;
}

/** Outer blanks are not the model's fault; line breaks inside are left for the guard to refuse. */
function oneLine(text: string, type: Lesson["type"]): string {
  return type === "code_template" ? text.replace(/^\n+|\s+$/g, "") : text.trim();
}

/** The words without case, punctuation and order: the same lesson said twice. */
function wordsOf(content: string): string {
  return [...new Set(content.toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? [])].sort().join(" ");
}
