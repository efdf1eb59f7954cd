import { nearDuplicate, tokenSet } from "../base/similarity.ts";
import type { CanaryItem } from "../knowledge/canary-item.ts";
import { appliesTo } from "../knowledge/knowledge-item.ts";
import type { Limits } from "./assign.ts";
import type { Injection } from "./injection.ts";
import { factsOf } from "./item-facts.ts";
import type { InjectionRequest } from "./ports.ts";
import { renderCanary } from "./render.ts";

/** Words shorter than that say too little to tell what a task is about. */
const TELLING_LETTERS = 4;

/** Whether an untested item could go with this injection: for who asks, about the task, not said already, and within what the budget has left when nothing is withheld. */
export function mayBeTried(item: CanaryItem, request: InjectionRequest & Limits, { given, withheld, listed = [] }: Injection): boolean {
  if (!appliesTo(item, request) || !fitsTask(item, request)) return false;
  const others = [...given, ...withheld, ...listed];
  if (others.some((other) => nearDuplicate(other.content, item.content))) return false;
  const spent = others.reduce((sum, other) => sum + factsOf(other).cost, 0);
  return spent + factsOf(item).cost <= (request.maxTokens ?? 1500);
}

/** Made from runs of the very agent that asks, or sharing a telling word with the task: the same two ways by which tested items come in. */
function fitsTask(item: CanaryItem, { task, agentName }: InjectionRequest): boolean {
  if (agentName !== undefined && item.agentName === agentName) return true;
  const words = tokenSet(`${item.appliesWhen} ${item.content}`);
  return [...tokenSet(task)].some((word) => word.length >= TELLING_LETTERS && words.has(word));
}

/** The injection with what the draw of an untested item said: its text at the end for a member, and the probability either way. */
export function withUntested(injection: Injection, item: CanaryItem, share: number, isDrawn: () => boolean): Injection {
  // A control run is given nothing, this neither; its share of the runs is part of the probability.
  const member = injection.arm !== "control" && isDrawn();
  const canary = { item, member, share: share * (1 - (injection.controlShare ?? 0)) };
  const text = member ? [injection.text, renderCanary(item)].filter((block) => block !== "").join("\n\n") : injection.text;
  return { ...injection, text, canary };
}
