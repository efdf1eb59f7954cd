import { type CanaryItem, canaryItem, onlineItem } from "../../src/knowledge/canary-item.ts";
import { type InjectableItem, injectable } from "../../src/knowledge/injectable.ts";
import type { KnowledgeItem } from "../../src/knowledge/knowledge-item.ts";
import { type OnlineLimits, onlineSetting } from "../../src/knowledge/online-setting.ts";

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

declare const limits: OnlineLimits;
const limitsSaid = { onlineShare: 0.1, onlineMaxRuns: 1, onlineMaxCandidates: 1, onlineWaitMs: 0 };

// @ts-expect-error limits that somebody wrote are no setting that is on
onlineItem(item, limits);

// @ts-expect-error neither is a setting that may be off
onlineItem(item, onlineSetting({ ...limitsSaid, online: "off" }));

const setting = onlineSetting({ ...limitsSaid, online: "on" });
const onTrial = setting === undefined ? undefined : onlineItem(item, setting);
if (onTrial !== undefined) {
  intoTrialBlock(onTrial.item);
  // @ts-expect-error what is on trial is still untested
  intoPrompt(onTrial.item);
}
