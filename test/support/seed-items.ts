import type { KnowledgeItem } from "../../src/knowledge/knowledge-item.ts";
import { openStore } from "../../src/store/open.ts";

/** Puts items into a store as they are, each with the certificate that it carries. */
export async function seedItems(url: string, items: readonly KnowledgeItem[]): Promise<void> {
  const store = await openStore({ url, name: "seed", mode: "share", ingest: "on-demand" });
  try {
    for (const item of items) {
      const validation = item.validation === undefined ? {} : { validation: { ...item.validation, id: `v-${item.id}` } };
      const entry = { itemId: item.id, version: 1, atUs: item.createdAtUs, actor: "test", action: "propose" as const, changes: {} };
      await store.saveItem({ ...item, ...validation }, entry);
    }
  } finally {
    await store.close();
  }
}
