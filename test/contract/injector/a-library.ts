import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import type { KnowledgeSources } from "../../../src/injection/injector.ts";
import type { KnowledgeItem } from "../../../src/knowledge/knowledge-item.ts";
import { createKnowledgeReplica, type KnowledgeReplica } from "../../../src/retrieval/replica.ts";
import { openLibsqlDriver } from "../../../src/store/driver-libsql.ts";
import { createSqlStore, type SqlStore } from "../../../src/store/local-store.ts";
import { migrate } from "../../../src/store/migrate.ts";
import { createWordModel } from "../../support/word-model.ts";

const folder = mkdtempSync(join(tmpdir(), "agentlearn-injector-"));
const stores: SqlStore[] = [];
const copies: KnowledgeReplica[] = [];
afterAll(async () => {
  for (const copy of copies) copy.close();
  for (const store of stores) await store.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A real store that holds these items, and a real copy of it with vectors of their words. */
export async function aLibrary(items: readonly KnowledgeItem[]): Promise<KnowledgeSources & { readonly store: SqlStore }> {
  const path = join(folder, `${stores.length}.db`);
  const driver = openLibsqlDriver({ path });
  await migrate(driver, systemClock, path);
  const store = createSqlStore(driver, systemClock);
  stores.push(store);
  for (const [index, item] of items.entries()) {
    const validation = item.validation === undefined ? {} : { validation: { ...item.validation, id: `v-${item.id}` } };
    const entry = { itemId: item.id, version: 1, atUs: item.createdAtUs, actor: "test", action: "propose" as const, changes: {} };
    await store.saveItem({ ...item, ...validation, createdAtUs: item.createdAtUs + index }, entry);
  }
  const copy = createKnowledgeReplica({ feed: store, vectors: store, model: async () => createWordModel(), embedsItems: true });
  copies.push(copy);
  return { store, search: store, library: store, vectors: copy };
}
