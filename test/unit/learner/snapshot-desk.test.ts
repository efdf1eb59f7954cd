import { describe, expect, test } from "vitest";
import { contentDigest } from "../../../src/knowledge/evidence.ts";
import { injectable } from "../../../src/knowledge/injectable.ts";
import type { KnowledgeItem } from "../../../src/knowledge/knowledge-item.ts";
import { createKnowledgeDesk, type KnowledgeDesk } from "../../../src/learner/knowledge-desk.ts";
import { createSnapshotDesk, type SnapshotDesk } from "../../../src/learner/snapshot-desk.ts";
import type { SqlStore } from "../../../src/store/local-store.ts";
import { aLesson, aValidation, changed, T0 } from "../../contract/store/factories.ts";
import { openSqlStore } from "../../support/sql-store.ts";
import { temporaryFolder } from "../store/temporary.ts";

const inFolder = temporaryFolder();
let stores = 0;

interface World {
  readonly store: SqlStore;
  readonly desk: KnowledgeDesk;
  readonly snapshots: SnapshotDesk;
  readonly candidate: (content: string) => Promise<KnowledgeItem>;
  readonly active: (content: string) => Promise<KnowledgeItem>;
  readonly now: (id: string) => Promise<KnowledgeItem>;
}

async function inWorld(work: (world: World) => Promise<void>): Promise<void> {
  stores += 1;
  const store = await openSqlStore(inFolder(`snapshots-${stores}.db`));
  let timeUs = T0;
  const clock = { nowUs: () => (timeUs += 1) };
  const desk = createKnowledgeDesk({ store, clock, actor: "cli:ada" });
  const snapshots = createSnapshotDesk({ store, clock, actor: "cli:ada" });
  const candidate = async (content: string) => (await store.propose(aLesson({ content }), "learner")).item;
  const active = async (content: string) => desk.approve((await candidate(content)).id, { reason: "read it" });
  const now = (id: string) => store.getKnowledgeItem(id);
  await work({ store, desk, snapshots, candidate, active, now }).finally(() => store.close());
}

describe("a restore", () => {
  test("brings back words, status and pin, with one history entry for each item that changes", () =>
    inWorld(async ({ store, desk, snapshots, active, now }) => {
      const [edited, untouched] = [await active("Round money."), await active("Ship.")];
      await desk.pin(edited.id);
      await snapshots.create({ tag: "v1" });
      await desk.edit(edited.id, { content: "Round up.", reason: "trial" });
      const before = (await store.historyOf(edited.id)).length;
      const { backup, held } = await snapshots.restore("v1", { reason: "trial failed" });
      expect(held).toEqual([]);
      expect(await now(edited.id)).toMatchObject({ content: "Round money.", status: "active", priority: "pinned" });
      expect(injectable(await now(edited.id))).toBeDefined();
      const history = await store.historyOf(edited.id);
      expect(history.slice(before)).toMatchObject([{ action: "snapshot", actor: "cli:ada", reason: "snapshot v1: trial failed" }]);
      expect(await store.historyOf(untouched.id)).toHaveLength(2);
      expect((await snapshots.diff("v1")).changed).toEqual([]);
      expect(backup?.reason).toContain("v1");
    }));

  test("takes out of use what came later, and the backup brings it back", () =>
    inWorld(async ({ snapshots, active, candidate, now }) => {
      await snapshots.create({ tag: "v1" });
      const [later, waiting] = [await active("Later."), await candidate("Waiting.")];
      const { backup } = await snapshots.restore("v1");
      expect([(await now(later.id)).status, (await now(waiting.id)).status]).toEqual(["deprecated", "candidate"]);
      await snapshots.restore(backup?.id ?? "");
      expect(injectable(await now(later.id))).toBeDefined();
    }));

  // A went back to active while B, which revises it or contradicts it, was still in use: both stood, or the restore was refused.
  test("of what was revised since takes the revision out of use", () =>
    inWorld(async ({ snapshots, desk, store, active, now }) => {
      const old = await active("Sort the shelf in ascending order.");
      await snapshots.create({ tag: "v1" });
      const fresh = (await store.propose(aLesson({ content: "Sort the shelf in descending order.", revises: old.id }), "learner")).item;
      await desk.approve(fresh.id, { reason: "better" });
      expect((await now(old.id)).status).toBe("deprecated");
      const { held } = await snapshots.restore("v1");
      expect([(await now(old.id)).status, (await now(fresh.id)).status, held]).toEqual(["active", "deprecated", []]);
      expect((await store.historyOf(fresh.id)).at(-1)).toMatchObject({ action: "snapshot", changes: { status: ["active", "deprecated"] } });
    }));

  test("of what contradicts an item that goes out of use with it is no conflict", () =>
    inWorld(async ({ snapshots, desk, active, candidate, now }) => {
      const first = await candidate("Sort the shelf in descending order.");
      const [then, later] = [await active("Sort the shelf in ascending order."), first];
      await snapshots.create({ tag: "v1" });
      await desk.deprecate(then.id, { reason: "outdated" });
      await desk.approve(later.id, { reason: "newest first" });
      await snapshots.restore("v1");
      expect([(await now(then.id)).status, (await now(later.id)).status]).toEqual(["active", "candidate"]);
    }));

  test("that has an item and its revision both active leaves the revision, and says so of the other", () =>
    inWorld(async ({ snapshots, desk, store, active, now }) => {
      const old = await active("Round money.");
      const fresh = (await store.propose(aLesson({ content: "Round money upwards.", revises: old.id }), "learner")).item;
      await desk.approve(fresh.id, { reason: "better" });
      await snapshots.create({ tag: "mine" });
      const text = await snapshots.export("mine");
      // As a store wrote it whose restore let both stand.
      await snapshots.import(text.replaceAll('"status": "deprecated"', '"status": "active"'), { tag: "both" });
      const { held } = await snapshots.restore("both");
      expect([(await now(old.id)).status, (await now(fresh.id)).status]).toEqual(["deprecated", "active"]);
      expect(held).toEqual([{ id: old.id, reason: `item ${fresh.id.slice(0, 8)}, which took its place, is active` }]);
    }));

  test("that changes nothing makes no backup", () =>
    inWorld(async ({ snapshots, active }) => {
      await active("Round money.");
      await snapshots.create({ tag: "v1" });
      expect(await snapshots.restore("v1")).not.toHaveProperty("backup");
      expect(await snapshots.list()).toHaveLength(1);
    }));

  test("of a dry run says the same and changes nothing", () =>
    inWorld(async ({ snapshots, desk, active, now }) => {
      const item = await active("Round money.");
      await snapshots.create({ tag: "v1" });
      await desk.deprecate(item.id, { reason: "x" });
      const plan = await snapshots.restore("v1", { dryRun: true });
      expect(plan.diff.changed).toMatchObject([{ id: item.id, changes: { status: ["deprecated", "active"] } }]);
      expect((await now(item.id)).status).toBe("deprecated");
      expect(await snapshots.list()).toHaveLength(1);
    }));

  test("does not activate words that were refused after the snapshot was made", () =>
    inWorld(async ({ store, snapshots, desk, active, now }) => {
      const item = await active("Round money.");
      await snapshots.create({ tag: "v1" });
      await desk.deprecate(item.id, { reason: "x" });
      const refusal = { decision: "refuse", createdAtUs: T0 + 9_000, contentDigest: contentDigest(item) } as const;
      await store.saveValidation(aValidation(item.id, refusal));
      const { held } = await snapshots.restore("v1");
      expect(held).toMatchObject([{ id: item.id, reason: expect.stringContaining("certificate") }]);
      expect((await now(item.id)).status).toBe("candidate");
    }));

  test("takes a certificate without a digest for the words that carried it, and for no others", () =>
    inWorld(async ({ store, snapshots, desk, candidate, now }) => {
      const item = await candidate("Round money.");
      const [next, entry] = changed(item, { status: "active", validation: aValidation(item.id) });
      await store.saveItem(next, entry);
      await snapshots.create({ tag: "v1" });
      const file = await snapshots.export("v1");
      await desk.edit(item.id, { content: "Round up.", reason: "trial" });
      await snapshots.import(file.replace("Round money.", "Round down."), { tag: "forged" });
      await snapshots.restore("forged");
      expect(await now(item.id)).toMatchObject({ status: "candidate", content: "Round down.", taint: ["tool", "imported"] });
      await snapshots.restore("v1");
      expect(injectable(await now(item.id))).toMatchObject({ content: "Round money." });
    }));

  test("keeps the sources and the taint that came since", () =>
    inWorld(async ({ store, snapshots, active, now }) => {
      const item = await active("Round money.");
      await snapshots.create({ tag: "v1" });
      const seen = aLesson({ fingerprint: item.fingerprint, taint: ["user"], sourceTraceIds: ["later"] });
      await store.propose(seen, "learner");
      const [next, entry] = changed(await now(item.id), { tags: ["changed"] });
      await store.saveItem(next, entry);
      await snapshots.restore("v1");
      expect(await now(item.id)).toMatchObject({
        tags: item.tags,
        taint: ["tool", "user"],
        sourceTraceIds: [...item.sourceTraceIds, "later"],
      });
    }));

  test("is refused whole when somebody changes an item meanwhile", () =>
    inWorld(async ({ store, snapshots, desk, active, now }) => {
      const [first, second] = [await active("One."), await active("Two.")];
      await snapshots.create({ tag: "v1" });
      for (const { id } of [first, second]) await desk.deprecate(id, { reason: "x" });
      const racing = createSnapshotDesk({
        store: {
          ...store,
          saveItemsBehind: async (backup, writes) => {
            await desk.restore(second.id);
            return store.saveItemsBehind(backup, writes);
          },
        },
        clock: { nowUs: () => T0 },
        actor: "cli:bob",
      });
      await expect(racing.restore("v1")).rejects.toMatchObject({ code: "conflict" });
      expect((await now(first.id)).status).toBe("deprecated");
      expect(await snapshots.list()).toHaveLength(1);
    }));
});

describe("a snapshot file", () => {
  test("is the same bytes for the same knowledge, whenever the snapshot was made", () =>
    inWorld(async ({ store, snapshots, desk, active }) => {
      const item = await active("Round money.");
      await active("Ship.");
      await snapshots.create({ tag: "a" });
      await desk.pin(item.id);
      await desk.unpin(item.id);
      await snapshots.create({ tag: "b", reason: "again" });
      expect(await snapshots.export("b")).toBe(await snapshots.export("a"));
      await desk.pin(item.id);
      await snapshots.create({ tag: "c" });
      expect(await snapshots.export("c")).not.toBe(await snapshots.export("a"));
      expect((await store.listSnapshots()).map(({ tag }) => tag)).toEqual(["c", "b", "a"]);
    }));

  test("comes back with its statuses where their certificates are", () =>
    inWorld(async ({ snapshots, desk, active, now }) => {
      const item = await active("Round money.");
      await snapshots.create({ tag: "a" });
      const file = await snapshots.export("a");
      await snapshots.import(file, { tag: "git" });
      expect(await snapshots.export("git")).toBe(file);
      await desk.deprecate(item.id, { reason: "x" });
      await snapshots.restore("git");
      expect(injectable(await now(item.id))).toBeDefined();
    }));

  test("brings candidates only to a store that knows nothing of it", () =>
    inWorld(async (source) => {
      await source.active("Round money.");
      await source.snapshots.create({ tag: "a" });
      const file = await source.snapshots.export("a");
      await inWorld(async ({ store, snapshots }) => {
        await snapshots.import(file, { tag: "git" });
        const { held } = await snapshots.restore("git");
        expect(held).toHaveLength(1);
        expect(await store.listKnowledge({})).toMatchObject([{ status: "candidate", taint: ["tool", "imported"] }]);
      });
    }));

  test("cannot change words, condition or scope of what is in use, whatever certificate it shows", () =>
    inWorld(async ({ snapshots, active, now }) => {
      const item = await active("Round money.");
      await snapshots.create({ tag: "a" });
      const file = JSON.parse(await snapshots.export("a")) as { items: Record<string, unknown>[] };
      const forge = async (tag: string, changes: object) => {
        await snapshots.import(JSON.stringify({ ...file, items: [{ ...file.items[0], ...changes }] }), { tag });
        return (await snapshots.restore(tag)).held;
      };
      const words = "Round to millions.";
      const validation = aValidation(item.id, {
        id: item.validation?.id ?? "",
        contentDigest: contentDigest({ type: "skill", content: words }),
      });
      expect(await forge("x", { content: words, validation })).toHaveLength(1);
      expect(await forge("y", { appliesWhen: "always" })).toHaveLength(1);
      expect(await now(item.id)).toEqual(item);
    }));

  test("with a bad item makes no snapshot, and names every problem", () =>
    inWorld(async ({ snapshots }) => {
      const items = [{ type: "skill", content: "see www.example.org", appliesWhen: "x", id: "a" }, { id: "b" }];
      const text = JSON.stringify({ schema: "agentlearn.snapshot/v1", items });
      await expect(snapshots.import(text, { name: "s.json" })).rejects.toMatchObject({
        code: "invalid",
        message: expect.stringMatching(/s\.json: item 2: type[\s\S]*s\.json: item 1: the item contains a URL/),
      });
      expect(await snapshots.list()).toEqual([]);
    }));
});

test("a tag that no command line takes is refused", () =>
  inWorld(async ({ snapshots }) => {
    await expect(snapshots.create({ tag: "-x y" })).rejects.toMatchObject({ code: "invalid" });
  }));
