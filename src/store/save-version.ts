import { LearnError } from "../base/error.ts";
import type { HistoryEntry } from "../knowledge/knowledge-item.ts";
import type { ItemWrite } from "../knowledge/ports.ts";
import type { SqlExecutor } from "./driver.ts";
import { writeItem } from "./knowledge-row.ts";
import { activeSuccessorsOf } from "./lineage.ts";
import { jsonText, requiredNumber, textBlob } from "./values.ts";

/** Writes one version on top of the stored one. Rejects "conflict" when that is another than the caller saw. */
export async function saveVersion(tx: SqlExecutor, { item, entry, past = [] }: ItemWrite): Promise<void> {
  if (entry.itemId !== item.id || entry.version !== item.version) {
    throw new LearnError(
      "invalid",
      `the history entry speaks of ${entry.itemId} version ${entry.version}, not ${item.id} version ${item.version}`,
    );
  }
  const [row] = await tx.all("SELECT version FROM knowledge WHERE id = ?", [item.id]);
  const stored = row === undefined ? 0 : requiredNumber(row, "version");
  if (past.length > 0 && (row !== undefined || past.some(({ itemId, version }, index) => itemId !== item.id || version !== index + 1))) {
    throw new LearnError("invalid", `the history that comes with knowledge item ${item.id} is not that of a new item from version 1 on`);
  }
  if (item.version !== stored + past.length + 1) {
    const now = row === undefined ? "is not stored any more" : `is at version ${stored} now`;
    throw new LearnError("conflict", `knowledge item ${item.id} ${now}, so version ${item.version} was not saved`, {
      hint: "somebody changed it meanwhile: read it again and repeat the change",
    });
  }
  await refuseBeside(tx, item, entry);
  await writeItem(tx, item);
  for (const line of [...past, entry]) await writeHistory(tx, line);
}

/** A revision beside what it revises would say everything twice, or both ways. What restores a snapshot sees to that itself, over all its writes. */
async function refuseBeside(tx: SqlExecutor, item: ItemWrite["item"], { action }: HistoryEntry): Promise<void> {
  if (item.status !== "active" || (action !== "approve" && action !== "activate")) return;
  const [old] =
    item.revises === undefined ? [] : await tx.all("SELECT id FROM knowledge WHERE id = ? AND status = 'active'", [item.revises]);
  const [successor] = await activeSuccessorsOf(tx, item.id);
  if (old === undefined && successor === undefined) return;
  const relation = old === undefined ? `is revised by ${successor}` : `revises ${item.revises}`;
  throw new LearnError("conflict", `knowledge item ${item.id} ${relation}, which is active, so it was not made active beside it`, {
    hint: `agentlearn knowledge approve ${item.id.slice(0, 8)} takes the other out of use in the same step`,
  });
}

export async function writeHistory(tx: SqlExecutor, entry: HistoryEntry): Promise<void> {
  const reason = entry.reason === undefined ? null : textBlob(entry.reason);
  await tx.run("INSERT INTO history (item_id, version, at_us, actor, action, reason, changes) VALUES (?, ?, ?, ?, ?, ?, ?)", [
    entry.itemId,
    entry.version,
    entry.atUs,
    entry.actor,
    entry.action,
    reason,
    jsonText(entry.changes),
  ]);
}
