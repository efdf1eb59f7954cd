import type { TimeUs } from "../base/clock.ts";
import { type AbReport, abReportOf, type ItemReport, itemReportOf } from "../knowledge/ab-report.ts";
import { type Effect, effectOf, libraryEffectOf } from "../knowledge/effect.ts";
import type { HistoryEntry, KnowledgeItem } from "../knowledge/knowledge-item.ts";
import type { EffectStore, ExposedRun, ExposureFilter, KnowledgeStore } from "../knowledge/ports.ts";

/** What reading effects needs of the store. */
export type EffectSource = EffectStore & Pick<KnowledgeStore, "historyOf" | "listKnowledge">;

export interface ItemEffect {
  readonly item: KnowledgeItem;
  readonly effect: Effect;
  /** Runs before then were given other words, or an item that was retired since. 0: all count. */
  readonly sinceUs: TimeUs;
  readonly history: readonly HistoryEntry[];
}

/** The effect of one item as it stands now. */
export async function itemEffectOf(store: EffectSource, item: KnowledgeItem, alpha: number): Promise<ItemEffect> {
  const history = await store.historyOf(item.id);
  const sinceUs = evidenceSince(history);
  const runs = await everyRun(store, { itemId: item.id, sinceUs });
  return { item, effect: effectOf(runs, alpha), sinceUs, history };
}

/** All runs that met an item. */
export function everyRun(store: EffectStore, of: Pick<ExposureFilter, "itemId" | "sinceUs">): Promise<readonly ExposedRun[]> {
  return everyPage((after) => store.exposedRuns({ ...of, ...after }));
}

/** Items in use, and retired ones that have evidence; read and judged now. */
export async function readAbReport(store: EffectSource, alpha: number): Promise<AbReport> {
  const active = await store.listKnowledge({ status: "active" });
  const retired = (await store.listKnowledge({ status: "deprecated" })).filter(({ counts }) => counts.given + counts.withheld > 0);
  const items: ItemReport[] = [];
  for (const item of [...active, ...retired]) items.push(await readItemReport(store, item, alpha));
  return abReportOf(items, await libraryEffect(store, alpha), alpha);
}

export async function readItemReport(store: EffectSource, item: KnowledgeItem, alpha: number): Promise<ItemReport> {
  const { effect, sinceUs, history } = await itemEffectOf(store, item, alpha);
  return itemReportOf(item, effect, sinceUs, history);
}

/** What all knowledge together is worth; `undefined` where no control group was ever drawn. */
async function libraryEffect(store: EffectStore, alpha: number): Promise<Effect | undefined> {
  const runs = await everyPage((after) => store.controlledRuns(after));
  return runs.length === 0 ? undefined : libraryEffectOf(runs, alpha);
}

/** New words are a new question, and so is an item that somebody brought back: the old evidence would retire it again at the first look. */
function evidenceSince(history: readonly HistoryEntry[]): TimeUs {
  // A trial stands in another frame, and what it showed was decided on: it must not be counted again for or against what it made active.
  let trial = false;
  let sinceUs = 0;
  for (const { action, changes, atUs } of history) {
    const ends: boolean = trial && "validation" in changes;
    if (action === "trial") trial = true;
    else if (ends) trial = false;
    // Words also come with an import or with going back to a snapshot.
    const begins = action === "edit" || action === "restore" || "content" in changes || RETIRED.has(changes["status"]?.[0]);
    if (begins || ends || action === "trial") sinceUs = atUs;
  }
  return sinceUs;
}

const RETIRED: ReadonlySet<unknown> = new Set(["deprecated", "archived"]);
const PAGE = 2_000;

async function everyPage(
  read: (page: { readonly after?: string; readonly limit: number }) => Promise<readonly ExposedRun[]>,
): Promise<readonly ExposedRun[]> {
  const all: ExposedRun[] = [];
  for (let page = await read({ limit: PAGE }); ; page = await read({ after: (all.at(-1) as ExposedRun).runId, limit: PAGE })) {
    all.push(...page);
    if (page.length < PAGE) return all;
  }
}
