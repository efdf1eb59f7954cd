import type { TimeUs } from "../base/clock.ts";
import { LearnError } from "../base/error.ts";
import { contentDigest } from "./evidence.ts";
import type { KnowledgeItem, Validation } from "./knowledge-item.ts";

/** True for an actor that names a person: `cli:<user>`, `ui:<user>`, `api:<user>`, `human:<name>`. `learner` and a bare `api` do not. */
export function isPerson(actor: string): boolean {
  return /^(?:cli|ui|api|human):\S/.test(actor);
}

/** The certificate of a person who vouches for an item, or refuses it, with a reason. It carries no figures. */
export function humanValidation(
  item: KnowledgeItem,
  word: {
    readonly decision: "pass" | "refuse";
    readonly reason: string;
    readonly actor: string;
    readonly atUs: TimeUs;
    readonly id: string;
  },
): Validation {
  if (!isPerson(word.actor)) {
    throw new LearnError("invalid", `${word.actor || "nobody"} cannot vouch for item ${item.id.slice(0, 8)}, only a named person can`, {
      hint: "pass an actor such as cli:<user>",
    });
  }
  if (word.reason.trim() === "")
    throw new LearnError("invalid", "a person's decision needs a reason", {
      hint: "say why, for example --reason 'checked against the schema'",
    });
  return {
    id: word.id,
    itemId: item.id,
    kind: "human",
    decision: word.decision,
    reason: word.reason,
    actor: word.actor,
    createdAtUs: word.atUs,
    contentDigest: contentDigest(item),
    cases: 0,
    baselinePassed: 0,
    candidatePassed: 0,
    wins: 0,
    losses: 0,
    gain: 0,
    eValue: 0,
    threshold: 0,
    alpha: 0,
    alphaAllotted: 0,
    position: 0,
    passedBefore: 0,
    passScore: 0,
    minimumGain: 0,
    pairs: [],
  };
}
