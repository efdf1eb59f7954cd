import type { Clock } from "../base/clock.ts";
import { isLearnError } from "../base/error.ts";
import { redacted } from "../base/redact.ts";
import { blockedMessage, type Conflict, otherOf } from "../knowledge/conflict.ts";
import { contentDigest } from "../knowledge/evidence.ts";
import { type Activation, whyItWaits } from "../knowledge/guards/by-evidence.ts";
import { findingsText } from "../knowledge/guards/guard-record.ts";
import { type SafetyReport, safetyText } from "../knowledge/guards/safety-cases.ts";
import type { KnowledgeItem, Validation } from "../knowledge/knowledge-item.ts";
import { activate, hold, recordValidation, type Transition } from "../knowledge/life-cycle.ts";
import { atPosition } from "../knowledge/recheck.ts";
import type { Store } from "../store/ports.ts";
import { readGuardReport } from "./guard-report.ts";
import type { LearnReport } from "./ports.ts";
import { saveTransition } from "./save-transition.ts";

export interface SettleOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly activation: Activation;
  /** Asks the safety cases of everything active with this item in it. */
  readonly testSet: (item: KnowledgeItem) => Promise<SafetyReport>;
  readonly actor: string;
}

type Decision = LearnReport["decisions"][number];

/** Attempts against others who change the same item, each with the state they left. More than a few in a row is no coincidence. */
const ATTEMPTS = 5;

/** The place of the next test in the stream of all statistical tests, and how many of them passed. */
export async function nextPlace(store: Store): Promise<{ readonly position: number; readonly passedBefore: number }> {
  const { tests, lastPosition, passed } = await store.testStream();
  // Not the count alone: a removed item takes its certificates with it, but what its tests spent stays spent.
  return { position: Math.max(tests, lastPosition) + 1, passedBefore: passed };
}

/**
 * Stores what a test decided: the certificate and the new state in one transaction, so that a crash leaves both or neither. With activation by
 * evidence a pass goes on to active, unless a guard objects or a safety case fails. A test takes minutes, and others work meanwhile: new sources on the item do not matter to what was tested;
 * new words, a person's decision or another learner's test do, and then the certificate is stored as spent and changes nothing.
 */
export async function settle(options: SettleOptions, tested: KnowledgeItem, certificate: Validation): Promise<Decision> {
  const { store } = options;
  const clean = withoutSecrets(certificate);
  for (let attempt = 1; ; attempt += 1) {
    const isTrial = clean.kind === "online";
    const { position } = await nextPlace(store);
    // Another learner may have taken the place meanwhile; a later one is given a smaller share of the error budget. A trial took its own when it began.
    const validation = position > clean.position && !isTrial ? atPosition(clean, position) : clean;
    const item = await current(store, tested.id);
    if (item === undefined) return { item: tested, validation, next: "it was removed while it was tested; nothing was stored" };
    if (item.status !== "candidate" || item.validation?.id !== tested.validation?.id || contentDigest(item) !== contentDigest(tested)) {
      // What a trial spent stands on its note.
      if (isTrial) return { item, next: "its trial ended: somebody decided, or changed it, meanwhile" };
      await store.saveValidation(validation);
      return { item, validation, next: `it was changed while it was tested and is ${item.status} now; the test was of what it was before` };
    }
    const recorded = recordValidation(item, validation, { actor: options.actor, atUs: options.clock.nowUs() });
    if (await saved(store, recorded, attempt)) return promote(options, recorded.item, validation);
  }
}

/** A certificate quotes what the agent was asked and what it answered, and goes out with every export. */
function withoutSecrets(certificate: Validation): Validation {
  const quoted = ["task", "baselineOutput", "candidateOutput", "baselineError", "candidateError"] as const;
  const pairs = certificate.pairs.map((pair) => ({
    ...pair,
    ...Object.fromEntries(quoted.flatMap((field) => (pair[field] === undefined ? [] : [[field, redacted(pair[field])]]))),
  }));
  return { ...certificate, reason: redacted(certificate.reason), pairs };
}

async function promote(options: SettleOptions, item: KnowledgeItem, validation: Validation): Promise<Decision> {
  const short = item.id.slice(0, 8);
  if (validation.decision !== "pass" && validation.kind === "online")
    return {
      item,
      validation,
      next: `\`agentlearn knowledge edit ${short}\` gives it other words, \`approve ${short} --reason ...\` takes it as it is`,
    };
  if (validation.decision === "refuse") return { item, validation, next: `\`agentlearn knowledge show ${short}\` lists what it broke` };
  if (validation.decision === "inconclusive") return { item, validation, next: "add eval cases that fail today, then learn again" };
  if (options.activation === "approval") {
    const [conflict, ...more] = await options.store.conflictsOf(item);
    if (conflict === undefined) return { item, validation, next: `\`agentlearn knowledge approve ${short}\`` };
    // An approval would be turned down; who would give it had better hear of it now.
    await options.store.saveConflicts([conflict, ...more]);
    return heldBy(conflict, item, validation);
  }
  let validated: KnowledgeItem | undefined = item;
  for (let attempt = 1; validated?.status === "validated"; attempt += 1) {
    const [conflict, ...more] = await options.store.conflictsOf(validated);
    if (conflict !== undefined) {
      const { message } = blockedMessage(item.id, conflict);
      await options.store.saveConflicts([conflict, ...more]);
      const held = hold(validated, { actor: options.actor, reason: message, atUs: options.clock.nowUs() });
      if (await saved(options.store, held, attempt)) return heldBy(conflict, held.item, validation);
      validated = await current(options.store, item.id);
      continue;
    }
    const objection = await objectionTo(options, validated);
    if ("reason" in objection) {
      const held = hold(validated, { actor: options.actor, reason: objection.reason, atUs: options.clock.nowUs() });
      const next = `it passed, but ${objection.reason}; \`agentlearn knowledge approve ${short}\``;
      if (await saved(options.store, held, attempt)) return { item: held.item, validation, next };
      validated = await current(options.store, item.id);
      continue;
    }
    const activated = activate(validated, {
      actor: options.actor,
      reason: `activation by evidence is configured (${options.activation}); ${objection.passed}`,
      atUs: options.clock.nowUs(),
    });
    if (await saved(options.store, activated, attempt)) return { item: activated.item, validation, next: "active from the next run on" };
    validated = await current(options.store, item.id);
  }
  return { item: validated ?? item, validation, next: "it passed, and somebody changed it before it could become active" };
}

function heldBy(conflict: Conflict, item: KnowledgeItem, validation: Validation): Decision {
  const { hint } = blockedMessage(item.id, conflict);
  const next = `\`agentlearn knowledge conflicts\` shows both, \`${hint}\` settles it`;
  return { item, validation, heldBy: { itemId: otherOf(item.id, conflict), reason: conflict.reason }, next };
}

/** Why the evidence is not enough for this item as it is now, its sources included: they may have grown while it was tested. */
async function objectionTo(
  { store, activation, testSet }: SettleOptions,
  item: KnowledgeItem,
): Promise<{ readonly reason: string } | { readonly passed: string }> {
  const report = await readGuardReport(store, item);
  if (report.findings.length > 0) return { reason: findingsText(report.findings) };
  const waits = whyItWaits(report, activation);
  if (waits !== undefined) return { reason: waits };
  const safety = await testSet(item);
  const { unasked = 0 } = safety;
  if (unasked > 0) return { reason: `${unasked} safety ${unasked === 1 ? "case" : "cases"} could not be asked (${safety.notRun})` };
  return safety.failed.length > 0 ? { reason: safetyText(safety) } : { passed: `no guard objects, ${safetyText(safety)}` };
}

/** False when somebody was faster and the change has to be made again on what they left. */
async function saved(store: Store, transition: Transition, attempt: number): Promise<boolean> {
  try {
    await saveTransition(store, transition);
    return true;
  } catch (caught) {
    if (attempt >= ATTEMPTS || !isLearnError(caught) || caught.code !== "conflict") throw caught;
    return false;
  }
}

async function current(store: Store, id: string): Promise<KnowledgeItem | undefined> {
  try {
    return await store.getKnowledgeItem(id);
  } catch (caught) {
    if (isLearnError(caught) && caught.code === "not-found") return undefined;
    throw caught;
  }
}
