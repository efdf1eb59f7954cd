import type { Clock } from "../base/clock.ts";
import { LearnError } from "../base/error.ts";
import { newId, shortId } from "../base/id.ts";
import { compareSnapshots, type SnapshotDiff } from "../knowledge/compare-snapshots.ts";
import { readSnapshotFile, snapshotFile } from "../knowledge/exchange/snapshot-file.ts";
import { planRestore, type RestorePlan } from "../knowledge/plan-restore.ts";
import type { KnowledgeStore, Snapshot, SnapshotInfo, SnapshotItem, SnapshotStore } from "../knowledge/ports.ts";

/** States of all knowledge to go back to. A snapshot is named by its tag, or by its id or a unique prefix of that. */
export interface SnapshotDesk {
  create(options?: { readonly tag?: string; readonly reason?: string }): Promise<SnapshotInfo>;
  /** Newest first. */
  list(): Promise<readonly SnapshotInfo[]>;
  show(name: string): Promise<Snapshot>;
  /** From one state to another; to what is stored now when the second is not named. */
  diff(from: string, to?: string): Promise<SnapshotDiff>;
  /** Makes the knowledge what it was, in one transaction behind a snapshot of what it is now. Rejects "conflict" when somebody changed it meanwhile. */
  restore(name: string, options?: { readonly reason?: string; readonly dryRun?: boolean }): Promise<RestoreReport>;
  delete(name: string): Promise<SnapshotInfo>;
  /** The text of a file for version control: equal knowledge gives equal bytes. */
  export(name: string): Promise<string>;
  /** Makes a snapshot of such a file. It changes no item; rejects "invalid" with every problem there is. */
  import(text: string, options?: { readonly tag?: string; readonly name?: string }): Promise<SnapshotInfo>;
}

export interface RestoreReport {
  readonly dryRun: boolean;
  readonly snapshot: SnapshotInfo;
  /** What the restore changed, or would change. */
  readonly diff: SnapshotDiff;
  readonly held: RestorePlan["held"];
  /** The snapshot of what there was before; absent when nothing was changed. */
  readonly backup?: SnapshotInfo;
}

export interface SnapshotDeskOptions {
  readonly store: KnowledgeStore & SnapshotStore;
  readonly clock: Clock;
  /** Who, as it stands in the history: `cli:<user>`, `api:<user>`. */
  readonly actor: string;
}

/** Tags are typed on command lines and stand in file names. */
const TAG = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$/;

export function createSnapshotDesk({ store, clock, actor }: SnapshotDeskOptions): SnapshotDesk {
  const stamp = (reason?: string) => ({ actor, ...(reason === undefined ? {} : { reason }) });
  const now = (): Promise<readonly SnapshotItem[]> => store.listKnowledge({});
  const make = (what: {
    readonly tag?: string | undefined;
    readonly reason?: string | undefined;
    readonly items?: readonly SnapshotItem[];
  }) => {
    if (what.tag !== undefined && !TAG.test(what.tag)) {
      throw new LearnError("invalid", `"${what.tag}" is no tag`, {
        hint: "use up to 64 letters, digits, dots, hyphens, slashes and underscores",
      });
    }
    return store.createSnapshot({
      id: newId(),
      createdAtUs: clock.nowUs(),
      ...stamp(what.reason),
      ...(what.tag === undefined ? {} : { tag: what.tag }),
      ...(what.items === undefined ? {} : { items: what.items }),
    });
  };

  return {
    create: async ({ tag, reason } = {}) => make({ tag, reason }),
    list: () => store.listSnapshots(),
    show: (name) => store.getSnapshot(name),
    async diff(from, to) {
      const before = await store.getSnapshot(from);
      return compareSnapshots(before.items, to === undefined ? await now() : (await store.getSnapshot(to)).items);
    },
    async restore(name, { reason, dryRun = false } = {}) {
      const { items, ...snapshot } = await store.getSnapshot(name);
      const stored = await store.listKnowledge({});
      const called = snapshot.tag ?? shortId(snapshot.id);
      const change = { actor, atUs: clock.nowUs(), reason: reason === undefined ? `snapshot ${called}` : `snapshot ${called}: ${reason}` };
      const { writes, held } = planRestore({ ...snapshot, items }, stored, await store.validations(), change);
      const next = new Map(stored.map((item) => [item.id, item]));
      for (const { item } of writes) next.set(item.id, item);
      const report = { dryRun, snapshot, diff: compareSnapshots(stored, [...next.values()]), held };
      if (dryRun || writes.length === 0) return report;
      const backup = { id: newId(), createdAtUs: clock.nowUs(), ...stamp(`before the restore of ${called}`) };
      return { ...report, backup: await store.saveItemsBehind(backup, writes) };
    },
    async delete(name) {
      const { items: _, ...info } = await store.getSnapshot(name);
      await store.deleteSnapshot(info.id);
      return info;
    },
    export: async (name) => snapshotFile((await store.getSnapshot(name)).items),
    async import(text, { tag, name = "the file" } = {}) {
      const { items, problems } = readSnapshotFile(text, name);
      if (problems.length === 0) return make({ tag, reason: `from ${name}`, items });
      throw new LearnError("invalid", `no snapshot was made of ${name}:\n${problems.join("\n")}`, { hint: "export the snapshot again" });
    },
  };
}
