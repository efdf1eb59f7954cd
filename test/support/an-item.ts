import { contentDigest } from "../../src/knowledge/evidence.ts";
import type { KnowledgeItem, Validation } from "../../src/knowledge/knowledge-item.ts";

export const NOW_US = 1_790_000_000_000_000;

/** A candidate; name what matters to the test. */
export function anItem(overrides: Partial<KnowledgeItem> = {}): KnowledgeItem {
  return {
    id: "8a9f4e2b-0000-4000-8000-000000000001",
    type: "skill",
    content: "position column is TEXT — use '1' not 1",
    appliesWhen: "querying positions",
    tags: [],
    priority: "normal",
    status: "candidate",
    sourceTraceIds: ["run-1"],
    analyzer: "recovery",
    confidence: 0.6,
    taint: [],
    fingerprint: "f".repeat(32),
    createdAtUs: NOW_US,
    updatedAtUs: NOW_US,
    version: 1,
    counts: { given: 0, givenSuccess: 0, withheld: 0, withheldSuccess: 0 },
    ...overrides,
  };
}

/** A certificate about an item; a plausible pass unless the test says otherwise. */
export function aValidation(item: KnowledgeItem, overrides: Partial<Validation> = {}): Validation {
  return {
    id: "v-1",
    itemId: item.id,
    kind: "statistical",
    decision: "pass",
    reason: "9 wins and 0 losses in 9 of 9 held-out cases",
    actor: "learner",
    createdAtUs: NOW_US,
    cases: 0,
    baselinePassed: 0,
    candidatePassed: 0,
    wins: 0,
    losses: 0,
    gain: 0,
    eValue: 1,
    threshold: 32.9,
    alpha: 0.05,
    alphaAllotted: 0.0304,
    position: 1,
    passedBefore: 0,
    passScore: 0.7,
    minimumGain: 0.05,
    pairs: [],
    contentDigest: contentDigest(item),
    ...overrides,
  };
}

/** An active item with the certificate that lets it be injected. */
export function anActiveItem(overrides: Partial<KnowledgeItem> = {}): KnowledgeItem {
  const item = anItem({ status: "active", ...overrides });
  return "validation" in overrides ? item : { ...item, validation: aValidation(item) };
}
