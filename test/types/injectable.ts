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
