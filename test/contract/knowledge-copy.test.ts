import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test, vi } from "vitest";
import type { KnowledgeItem } from "../../src/knowledge/knowledge-item.ts";
import { createKnowledgeReplica } from "../../src/retrieval/replica.ts";
import { openStore } from "../../src/store/open.ts";
import type { Store } from "../../src/store/ports.ts";
import { temporaryFolder } from "../unit/store/temporary.ts";
import { aLesson, aValidation, changed } from "./store/factories.ts";
import { endProcesses, spawnStoreProcess } from "./store/spawn-process.ts";

endProcesses();
const inFolder = temporaryFolder();

/** Makes an active item with evidence, through whatever can save. */
async function activate(call: (method: string, ...args: unknown[]) => Promise<unknown>, content: string): Promise<KnowledgeItem> {
  const { item } = (await call("propose", aLesson({ content, appliesWhen: "" }), "learner")) as { item: KnowledgeItem };
  const [next, entry] = changed(item, { status: "active", validation: aValidation(item.id) }, "activate");
  await call("saveItem", next, entry);
  return next;
}

describe("a copy of the knowledge of a real store", () => {
  test("sees within two seconds what another process adds, changes and deletes", async () => {
    const url = inFolder("shared.db");
    const owner = spawnStoreProcess();
    await owner.ask("open", { url, name: "owner", mode: "own", ingest: "on-demand" });
    const call = (method: string, ...args: unknown[]) => owner.ask("call", { method, args });
    const item = await activate(call, "weigh parcels");
    const store = await openStore({ url, name: "agent", ingest: "on-demand" });
    const copy = createKnowledgeReplica({ feed: store });
    const found = async (task: string) => (await copy.searchKnowledge(task, 10, {})).map(({ id }) => id);
    expect(await found("weigh")).toEqual([item.id]);
    const second = await activate(call, "weigh letters");
    await vi.waitFor(async () => expect(await found("letters")).toEqual([second.id]), { timeout: 2_000 });
    await call("removeItem", item.id);
    await vi.waitFor(async () => expect(await found("parcels")).toEqual([]), { timeout: 2_000 });
    await owner.kill();
    expect(await found("letters")).toEqual([second.id]);
    copy.close();
    await store.close();
  });

  test("ranks as the full-text search of the store does", async () => {
    const store: Store = await openStore({ url: inFolder("ranked.db"), name: "test", mode: "own", ingest: "on-demand" });
    const call = (method: string, ...args: unknown[]) =>
      (store as never as Record<string, (...args: unknown[]) => Promise<unknown>>)[method]?.(...args) as Promise<unknown>;
    for (const content of ["weigh parcels", "weighing of letters and parcels", "round to cents", "parcels, parcels"])
      await activate(call, content);
    const copy = createKnowledgeReplica({ feed: store });
    for (const task of ["parcel", "weigh a parcel", "rounding letters", "nothing of it"]) {
      const ids = (items: readonly { readonly id: string }[]) => items.map(({ id }) => id);
      expect(ids(await copy.searchKnowledge(task, 10, {}))).toEqual(ids(await store.searchKnowledge(task, 10, {})));
    }
    copy.close();
    await store.close();
  });

  test("answers from the store while it loads, as it does when it is loaded", async () => {
    const store: Store = await openStore({ url: inFolder("first.db"), name: "test", mode: "own", ingest: "on-demand" });
    const call = (method: string, ...args: unknown[]) =>
      (store as never as Record<string, (...args: unknown[]) => Promise<unknown>>)[method]?.(...args) as Promise<unknown>;
    for (const content of [
      "weigh parcels",
      "weighing of letters and parcels",
      "round to cents",
      "parcels, parcels",
      "write down the letters",
    ])
      await activate(call, content);
    const loaded = createKnowledgeReplica({ feed: store });
    const never = { knowledgeChanges: () => new Promise<never>(() => undefined) };
    const loading = createKnowledgeReplica({ feed: never, search: store });
    const idsIn = async (copy: typeof loaded, task: string) => (await copy.searchKnowledge(task, 10, {})).map(({ id }) => id);
    // By the floor one shared word of a longer task is not enough.
    for (const task of ["parcel", "weigh a parcel", "rounding letters", "nothing of it", "", "how are letters weighed in the rain?"])
      expect(await idsIn(loading, task)).toEqual(await idsIn(loaded, task));
    expect(await idsIn(loaded, "weigh a parcel")).not.toEqual([]);
    expect(await loading.activeItems(3)).toHaveLength(3);
    expect([await loading.pinnedItems({}), await loading.provenItems({ agentName: "agent" }, 3), loading.status().items]).toEqual([
      [],
      [],
      0,
    ]);
    loaded.close();
    loading.close();
    await store.close();
  });

  // The look at the feed every second, and the thread that answers it, must not count as work to wait for.
  test("lets the process end that asked once", () => {
    const entry = fileURLToPath(new URL("../../dist/src/index.js", import.meta.url));
    const script = `const { getKnowledge } = await import(${JSON.stringify(entry)}); console.log(JSON.stringify(await getKnowledge("weigh")));`;
    const env = { ...process.env, AGENTLEARN_STORE: `file:${inFolder("ends.db")}` };
    const ended = spawnSync(process.execPath, ["--input-type=module", "--eval", script], { env, timeout: 20_000, encoding: "utf8" });
    expect([ended.status, ended.stdout]).toEqual([0, '""\n']);
  });
});
