import { LearnError } from "../base/error.ts";
import type { KnowledgeItem } from "../knowledge/knowledge-item.ts";
import type { NewSnapshot, SnapshotInfo, SnapshotItem, SnapshotStore } from "../knowledge/ports.ts";
import type { Row, SqlDriver, SqlExecutor } from "./driver.ts";
import { itemsFromRows } from "./knowledge-row.ts";
import { rowByPrefix } from "./prefix.ts";
import { saveVersion } from "./save-version.ts";
import { jsonOf, jsonText, requiredNumber, requiredText, textBlob, textOf } from "./values.ts";

/** Column `body`. */
interface Body {
  readonly imported: boolean;
  readonly items: readonly SnapshotItem[];
}

const INFO = "id, tag, created_at_us, actor, reason, items, json_extract(CAST(body AS TEXT), '$.imported') AS imported";

export function createSnapshotStore(driver: SqlDriver): SnapshotStore {
  return {
    createSnapshot: (snapshot) => driver.transaction((tx) => create(tx, snapshot)),

    listSnapshots: async () => (await driver.all(`SELECT ${INFO} FROM snapshot ORDER BY seq DESC`)).map(infoFromRow),

    getSnapshot: async (tagOrId) => {
      const [tagged] = await driver.all("SELECT * FROM snapshot WHERE tag = ?", [tagOrId]);
      const row = tagged ?? (await rowByPrefix(driver, "snapshot", "snapshot", tagOrId));
      const { imported, items } = jsonOf<Body>(row["body"]);
      return { ...infoFromRow({ ...row, imported: Number(imported) }), items };
    },

    deleteSnapshot: async (id) => {
      await driver.run("DELETE FROM snapshot WHERE id = ?", [id]);
    },

    saveItemsBehind: (backup, writes) =>
      driver.transaction(async (tx) => {
        const info = await create(tx, backup);
        for (const write of writes) await saveVersion(tx, write);
        return info;
      }),
  };
}

async function create(tx: SqlExecutor, snapshot: NewSnapshot): Promise<SnapshotInfo> {
  const { id, tag, createdAtUs, actor, reason } = snapshot;
  if (tag !== undefined && (await tx.all("SELECT 1 AS taken FROM snapshot WHERE tag = ?", [tag])).length > 0) {
    throw new LearnError("conflict", `there is a snapshot with the tag "${tag}" already`, {
      hint: `choose another tag, or delete that one: agentlearn snapshot delete ${tag}`,
    });
  }
  const items = [...(snapshot.items ?? (await stateOf(tx)))].sort((a, b) => (a.id < b.id ? -1 : 1));
  const body: Body = { imported: snapshot.items !== undefined, items };
  await tx.run("INSERT INTO snapshot (id, tag, created_at_us, actor, reason, items, body) VALUES (?, ?, ?, ?, ?, ?, ?)", [
    id,
    tag,
    createdAtUs,
    actor,
    reason === undefined ? null : textBlob(reason),
    items.length,
    jsonText(body),
  ]);
  const info = { id, createdAtUs, actor, itemCount: items.length, imported: body.imported };
  return { ...info, ...(tag === undefined ? {} : { tag }), ...(reason === undefined ? {} : { reason }) };
}

async function stateOf(tx: SqlExecutor): Promise<readonly SnapshotItem[]> {
  const items = await itemsFromRows(tx, await tx.all("SELECT * FROM knowledge"));
  return items.map(({ counts: _counts, guards: _guards, updatedAtUs: _updatedAtUs, version: _version, ...kept }: KnowledgeItem) => kept);
}

/** Takes an item out of every snapshot, in the transaction that removes it: what has to be forgotten must not come back with a restore. */
export async function forgetInSnapshots(tx: SqlExecutor, itemId: string): Promise<void> {
  const rows = await tx.all("SELECT id, body FROM snapshot WHERE instr(body, CAST(? AS BLOB)) > 0", [JSON.stringify(itemId)]);
  for (const row of rows) {
    const body = jsonOf<Body>(row["body"]);
    const items = body.items.filter((item) => item.id !== itemId);
    await tx.run("UPDATE snapshot SET items = ?, body = ? WHERE id = ?", [
      items.length,
      jsonText({ ...body, items }),
      requiredText(row, "id"),
    ]);
  }
}

function infoFromRow(row: Row): SnapshotInfo {
  const [tag, reason] = [textOf(row["tag"]), textOf(row["reason"])];
  return {
    id: requiredText(row, "id"),
    ...(tag === undefined ? {} : { tag }),
    createdAtUs: requiredNumber(row, "created_at_us"),
    actor: requiredText(row, "actor"),
    ...(reason === undefined ? {} : { reason }),
    itemCount: requiredNumber(row, "items"),
    imported: requiredNumber(row, "imported") === 1,
  };
}
