import type { TimeUs } from "../base/clock.ts";
import type { KnowledgeType, Taint } from "../lesson/lesson.ts";
import type { GuardRecord } from "./guards/guard-record.ts";

export const KNOWLEDGE_STATUSES = ["candidate", "validated", "active", "deprecated", "archived"] as const;
export type KnowledgeStatus = (typeof KNOWLEDGE_STATUSES)[number];
export type Priority = "pinned" | "normal";

/** Runs that were given the item, or its line in an index, or denied it, and how many of those succeeded. Runs nobody judged are not counted. */
export interface ExposureCounts {
  readonly given: number;
  readonly givenSuccess: number;
  readonly withheld: number;
  readonly withheldSuccess: number;
}

/** Where an item applies, or who asks. An absent field of an item means everywhere; see `appliesTo`. */
export interface Scope {
  readonly agentName?: string;
  readonly service?: string;
  /** As `gen_ai.request.model` says it. */
  readonly model?: string;
  readonly tenant?: string;
}

export interface KnowledgeItem extends Scope {
  readonly id: string;
  readonly type: KnowledgeType;
  readonly content: string;
  readonly appliesWhen: string;
  readonly tags: readonly string[];
  readonly priority: Priority;
  readonly status: KnowledgeStatus;
  readonly sourceTraceIds: readonly string[];
  readonly analyzer: string;
  readonly confidence: number;
  readonly taint: readonly Taint[];
  /** Full id of the item whose place this one takes when it becomes active. */
  readonly revises?: string;
  readonly fingerprint: string;
  readonly createdAtUs: TimeUs;
  readonly updatedAtUs: TimeUs;
  /** Starts at 1; every change adds one. */
  readonly version: number;
  /** The validation that last let it pass or refused it. The store reads that of a trial without its units; `validations` has them. */
  readonly validation?: Validation;
  readonly counts: ExposureCounts;
  /** What the guards said of it and whose words they are, as last looked at; absent for one that never was, such as from a file. See `quarantineOf`. */
  readonly guards?: GuardRecord;
}

export const HISTORY_ACTIONS = [
  "propose",
  "validate",
  "refuse",
  "approve",
  "activate",
  "reject",
  "edit",
  "pin",
  "unpin",
  "deprecate",
  "restore",
  "source",
  "import",
  "snapshot",
  "canary",
  "canary-end",
  "hold",
  "trial",
  "trial-end",
] as const;

/** One line of an item's append-only history. */
export interface HistoryEntry {
  readonly itemId: string;
  /** The version this change made. */
  readonly version: number;
  readonly atUs: TimeUs;
  /** Who: `cli:<user>`, `learner`, `api`. */
  readonly actor: string;
  /** `import`: read from a file. `snapshot`: set back to what a snapshot says. */
  readonly action: (typeof HISTORY_ACTIONS)[number];
  readonly reason?: string;
  /** Changed fields as [before, after]. */
  readonly changes: { readonly [field: string]: readonly [unknown, unknown] };
}

/** One eval case run on both sides. */
export interface ValidationPair {
  readonly caseId: string;
  readonly task: string;
  readonly baselineScore: number;
  readonly candidateScore: number;
  /** Replicates run to confirm a loss; 0 when none was needed. */
  readonly replicates: number;
  readonly confirmedRegression: boolean;
  /** [baseline, candidate] score of each replicate. Absent when none was run. */
  readonly replicateScores?: readonly (readonly [number, number])[];
  /** [baseline, candidate] score in rounds 2, 3, … of the test. Absent when there was one round. */
  readonly laterScores?: readonly (readonly [number, number])[];
  /** Set where the case is marked so: any loss on it refuses. */
  readonly mustPass?: true;
  /** What the runner or the scorer threw first; that side scored 0. */
  readonly baselineError?: string;
  readonly candidateError?: string;
  /** Outputs, kept for losses only. */
  readonly baselineOutput?: string;
  readonly candidateOutput?: string;
}

/** One kind of draw in an online trial: the model of the run, and the stated probability of being given. */
export interface OnlineStratum {
  readonly model: string;
  readonly probabilityGiven: number;
}

/** One unit of the draw: number of its stratum, whether it was given the item, whether it succeeded (null where nobody judged it), and a digest of its id. */
export type OnlineUnit = readonly [stratum: number, given: 0 | 1, success: 0 | 1 | null, unit: string];

/** The trial of a candidate on live runs. On the note that begins one, `endedAtUs` and what follows it is absent. */
export interface OnlineRecord {
  /** Draws the arms and names the trial: the id of its note. */
  readonly seed: string;
  /** Runs that began before then never count. */
  readonly startedAtUs: TimeUs;
  readonly share: number;
  /** Most answers that may hold the item. */
  readonly maxRuns: number;
  /** Runs younger than that count for nothing but harm. */
  readonly waitMs: number;
  /** Error probability of the sequence that stops for harm. */
  readonly harmAlpha: number;
  /** Units of the draw that a run belongs to from which the item was read; they never count. */
  readonly excluded: readonly string[];
  readonly endedAtUs?: TimeUs;
  /** How it ended; see decide-online.ts. */
  readonly why?: "helps" | "harms" | "mismatch" | "futile" | "spent" | "idle";
  /** The model that the decision is about: that of the newest unit that counts. */
  readonly model?: string;
  /** Runs that were given the item, judged or not. */
  readonly exposures?: number;
  /** Answers that were handed out to be given. */
  readonly granted?: number;
  /** By the pooled sequence of all models. */
  readonly harmEValue?: number;
  readonly strata?: readonly OnlineStratum[];
  /** Every unit that counts, in the order of time. */
  readonly units?: readonly OnlineUnit[];
}

/** The certificate of one test: enough to recompute the decision without the agent. */
export interface Validation {
  readonly id: string;
  readonly itemId: string;
  /**
   * statistical: paired offline test. online: runs that were given it by a draw against runs that were denied it; while the trial goes on, the note about it.
   * human: a named person vouches for it with a reason. canary: a named person has it tried in a share of live runs, untested.
   */
  readonly kind: "statistical" | "online" | "human" | "canary";
  /** pass; refuse (tested and not good enough, or harmful); inconclusive (could not be tested, or no decision possible yet). */
  readonly decision: "pass" | "refuse" | "inconclusive";
  /** One sentence with the figures in it. */
  readonly reason: string;
  readonly actor: string;
  readonly createdAtUs: TimeUs;
  /** Held-out cases. `pairs` holds fewer when the test stopped early, and none when it could not begin. */
  readonly cases: number;
  /** Of all cases. */
  readonly baselinePassed: number;
  /** Of the pairs, in their first run; so are wins and losses. */
  readonly candidatePassed: number;
  /** Discordant pairs: failed before and passed with the item, and the reverse. */
  readonly wins: number;
  readonly losses: number;
  /** Mean score difference over the pairs and the rounds that were finished, candidate minus baseline. */
  readonly gain: number;
  readonly eValue: number;
  /** The e-value needed: 1 / alphaAllotted. */
  readonly threshold: number;
  /** The error budget of the whole stream of candidates, and the share this test was given. */
  readonly alpha: number;
  readonly alphaAllotted: number;
  /** 1-based position of this test in the stream, and how many before it were passed. */
  readonly position: number;
  readonly passedBefore: number;
  readonly passScore: number;
  readonly minimumGain: number;
  readonly pairs: readonly ValidationPair[];
  /** The gain if the item made every case score 1. Absent on certificates of people. */
  readonly gainCeiling?: number;
  /** Digest of the text that was tested; evidence about one text is no evidence about another. See evidence.ts. */
  readonly contentDigest?: string;
  /** The id of the model or the runner, where known. */
  readonly runner?: string;
  /** The rule that decided, see decide.ts; 1 where absent. The fields below came with rule 2. */
  readonly rule?: number;
  /** Rounds in which every case was run on both sides, and the most there could have been. */
  readonly rounds?: number;
  readonly maxRounds?: number;
  /** Most repetitions of a lost case. */
  readonly confirmReplicates?: number;
  /** Lower end of the confidence sequence for the gain, at the level of `alphaAllotted`. -1 where nothing is known. */
  readonly gainLower?: number;
  /** Draws which side of a pair is run first, from round 2 on. */
  readonly seed?: string;
  /** Runs of the agent that this test made; a shared baseline is counted where it was run. */
  readonly agentRuns?: number;
  /** Of the knowledge text without and with the item, as the agent got it. */
  readonly promptDigests?: readonly [string, string];
  /** Of this package. */
  readonly packageVersion?: string;
  /** Of kind "online" alone. Its figures stand in the fields above: `cases` judged units, `baselinePassed` of those withheld, `candidatePassed` of those given. */
  readonly online?: OnlineRecord;
}

/**
 * As much of an item as finding it, drawing its arm and writing it into a prompt take: what processes keep of it in memory. Every `KnowledgeItem` is one.
 */
export interface ItemInUse
  extends Scope,
    Pick<KnowledgeItem, "id" | "type" | "content" | "appliesWhen" | "priority" | "status" | "createdAtUs" | "counts"> {
  readonly validation?: Pick<Validation, "itemId" | "kind" | "decision" | "wins" | "contentDigest"> & {
    readonly online?: Partial<Pick<OnlineRecord, "seed" | "share" | "endedAtUs">>;
  };
}

/** Whether runs were compared with and without it: a person's word speaks for an item, and not for giving it whatever the task. */
export function isTested({ validation }: Pick<ItemInUse, "validation">): boolean {
  return validation?.kind === "statistical" || validation?.kind === "online";
}

/** The fields of a scope, in the order in which they are shown. */
export const SCOPE_FIELDS: readonly (keyof Scope)[] = ["agentName", "service", "model", "tenant"];

/**
 * Whether an item of this scope may be given to who asks. An item for one agent, service or model is never given to another; who does not say is taken
 * for all of them, since most stores serve one. A tenant is a wall: its items go to nobody who does not name it.
 */
export function appliesTo(item: Scope, asking: Scope): boolean {
  return SCOPE_FIELDS.every((field) => {
    const [wanted, said] = [item[field], asking[field]];
    return wanted === undefined || wanted === said || (said === undefined && field !== "tenant");
  });
}

/** Only the scope of something that has one; fields that are undefined are left out. */
export function scopeOf(item: { readonly [Field in keyof Scope]?: string | undefined }): Scope {
  return Object.fromEntries(SCOPE_FIELDS.flatMap((field) => (item[field] === undefined ? [] : [[field, item[field]]])));
}
