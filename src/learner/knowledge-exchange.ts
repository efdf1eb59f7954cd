import { LearnError } from "../base/error.ts";
import { agentsSection, readSection, withSection } from "../knowledge/exchange/agents-section.ts";
import { exportedItem, type KnowledgeDocument, knowledgeDocument, readDocument } from "../knowledge/exchange/document.ts";
import type { Incoming } from "../knowledge/exchange/incoming.ts";
import { problemsOf } from "../knowledge/exchange/incoming.ts";
import { type ImportOutcome, planImport } from "../knowledge/exchange/plan-import.ts";
import { readSkill } from "../knowledge/exchange/skill-file.ts";
import { type ItemFilter, isMeant } from "../knowledge/filter.ts";
import { type InjectableItem, injectable } from "../knowledge/injectable.ts";
import type { KnowledgeItem } from "../knowledge/knowledge-item.ts";
import type { Change } from "../knowledge/life-cycle.ts";
import type { KnowledgeStore } from "../knowledge/ports.ts";
import type { Store } from "../store/ports.ts";
import { readSkillFolders, readTextFile, type SkillsReport, writeSkillFolders, writeTextFile } from "./exchange-files.ts";
import { recordGuards } from "./guard-report.ts";

export interface ImportOptions {
  readonly reason?: string;
  /** Says what would happen and changes nothing. */
  readonly dryRun?: boolean;
}

export interface ImportReport {
  readonly dryRun: boolean;
  readonly outcomes: readonly ImportOutcome[];
}

export interface SectionReport {
  readonly file: string;
  readonly written: number;
  /** False when the file said exactly that already. */
  readonly changed: boolean;
}

/**
 * Knowledge to and from files. Out: a document holds everything; skill folders and an AGENTS.md section are loaded by agents, so they hold only what may
 * be injected, and items of a tenant only with a filter for it. In: all or nothing, and everything arrives as a candidate.
 */
export interface KnowledgeExchange {
  /** Every item that is meant, with history and certificates. */
  export(filter?: ItemFilter): Promise<KnowledgeDocument>;
  /** One folder per injectable item. Folders of items that are not meant any more are named, and deleted with `prune`. */
  exportSkills(folder: string, options?: { readonly filter?: ItemFilter; readonly prune?: boolean }): Promise<SkillsReport>;
  /** Writes or updates the section of that file; everything else in it stays to the byte. */
  exportSection(file: string, options?: { readonly filter?: ItemFilter }): Promise<SectionReport>;
  /** A document, as text or parsed. Rejects "invalid" with every problem there is; then nothing was taken in. */
  import(document: string | KnowledgeDocument, options?: ImportOptions & { readonly name?: string }): Promise<ImportReport>;
  importSkills(folder: string, options?: ImportOptions): Promise<ImportReport>;
  importSection(file: string, options?: ImportOptions): Promise<ImportReport>;
}

export function createKnowledgeExchange(
  store: KnowledgeStore & Pick<Store, "getTrace" | "spansOf">,
  who: (reason?: string) => Change,
): KnowledgeExchange {
  const meant = async (filter: ItemFilter = {}) => (await store.listKnowledge({})).filter((item) => isMeant(item, filter));
  // Whoever loads such a file says no tenant: what is a tenant's goes into one that is asked for in its name.
  const injectables = async (filter?: ItemFilter): Promise<readonly InjectableItem<KnowledgeItem>[]> =>
    (await meant(filter))
      .filter(({ tenant }) => tenant === undefined || tenant === filter?.tenant)
      .flatMap((item) => injectable(item) ?? []);

  async function takeIn({ items, problems }: Incoming, from: string, { reason, dryRun = false }: ImportOptions): Promise<ImportReport> {
    if (problems.length > 0) {
      const what = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
      throw new LearnError("invalid", `nothing was imported from ${from}, ${what}:\n${problems.join("\n")}`, {
        hint: "correct the file and import it again",
      });
    }
    const plan = planImport(items, await store.listKnowledge({}), who(reason ?? `from ${from}`));
    if (!dryRun && plan.writes.length > 0) {
      await store.saveItems(plan.writes);
      for (const { item } of plan.writes) await recordGuards(store, item);
    }
    return { dryRun, outcomes: plan.outcomes };
  }

  return {
    async export(filter) {
      const items = await meant(filter);
      return knowledgeDocument(
        await Promise.all(items.map(async (item) => exportedItem(item, await store.historyOf(item.id), await store.validations(item.id)))),
      );
    },
    exportSkills: async (folder, { filter, prune = false } = {}) => writeSkillFolders(folder, await injectables(filter), prune),
    async exportSection(file, { filter } = {}) {
      const items = await injectables(filter);
      const before = await readTextFile(file, { missing: "" });
      const after = withSection(before, agentsSection(items), file);
      if (after !== before) await writeTextFile(file, after);
      return { file, written: items.length, changed: after !== before };
    },
    import(document, options = {}) {
      const name = options.name ?? "the document";
      return takeIn(readDocument(typeof document === "string" ? document : JSON.stringify(document), name), name, options);
    },
    async importSkills(folder, options = {}) {
      const read = (await readSkillFolders(folder)).map(({ place, text }) => readSkill(text, place));
      const items = read.flatMap((entry) => ("id" in entry ? [entry] : []));
      const problems = read.flatMap((entry) => ("id" in entry ? [] : entry));
      return takeIn({ items, problems: [...problems, ...problemsOf(items)] }, folder, options);
    },
    importSection: async (file, options = {}) => takeIn(readSection(await readTextFile(file), file), file, options),
  };
}
