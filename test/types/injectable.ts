import { type CanaryItem, canaryItem } from "../../src/knowledge/canary-item.ts";
import { type InjectableItem, injectable } from "../../src/knowledge/injectable.ts";
import type { KnowledgeItem } from "../../src/knowledge/knowledge-item.ts";

/** Compiled by `npm run types`, never run: an untested item must not reach a prompt, and the compiler says so. */
declare const item: KnowledgeItem;
declare function intoPrompt(item: InjectableItem): void;

// @ts-expect-error a plain item is not injectable
intoPrompt(item);

// @ts-expect-error neither is one that merely says it is active
intoPrompt({ ...item, status: "active" });

const made: InjectableItem | undefined = injectable(item);
if (made !== undefined) intoPrompt(made);

declare function intoTrialBlock(item: CanaryItem): void;

// @ts-expect-error a candidate is no canary item until a person made it one
intoTrialBlock(item);

const tried: CanaryItem | undefined = canaryItem(item);
if (tried !== undefined) {
  intoTrialBlock(tried);
  // @ts-expect-error what is tried is still untested
  intoPrompt(tried);
}
