import {
  type ExposureCounts,
  type KnowledgeItem,
  type KnowledgeStatus,
  type Priority,
  scopeOf,
  type Validation,
} from "../knowledge/knowledge-item.ts";
import type { KnowledgeType, Taint } from "../lesson/lesson.ts";
import { indexed } from "./assembled.ts";
import { refuseConflicts } from "./conflict-gate.ts";
import type { Row, SqlExecutor, SqlValue } from "./driver.ts";
import { idList } from "./rows.ts";
import { jsonOf, jsonText, requiredNumber, requiredText, textBlob, textOf } from "./values.ts";

/** Items of rows of table knowledge, in the same order, with their validation and their counts. */
export async function itemsFromRows(executor: SqlExecutor, rows: readonly Row[]): Promise<readonly KnowledgeItem[]> {
  if (rows.length === 0) return [];
  const counts = await countsOf(
    executor,
    rows.map((row) => requiredText(row, "id")),
  );
  const validationIds = rows.flatMap((row) => textOf(row["validation_id"]) ?? []);
  // The units of a trial are a hundred kilobytes, and lists of items are read every few seconds.
  const stored = await executor.all(
    `SELECT id, CASE WHEN kind = 'online' THEN json_remove(CAST(body AS TEXT), '$.online.units') ELSE body END AS body
     FROM validation WHERE id IN (SELECT value FROM json_each(?))`,
    [idList(validationIds)],
  );
  const validations = new Map(stored.map((row) => [requiredText(row, "id"), jsonOf<Validation>(row["body"])]));
  return rows.map((row) => itemFromRow(row, counts, validations));
}

export const NO_COUNTS: ExposureCounts = { given: 0, givenSuccess: 0, withheld: 0, withheldSuccess: 0 };

function itemFromRow(row: Row, counts: ReadonlyMap<string, ExposureCounts>, validations: ReadonlyMap<string, Validation>): KnowledgeItem {
  const id = requiredText(row, "id");
  const scope = scopeOf({
    agentName: textOf(row["agent_name"]),
    service: textOf(row["service"]),
    model: textOf(row["model"]),
    tenant: textOf(row["tenant"]),
  });
  const revises = textOf(row["revises"]);
  const validation = validations.get(textOf(row["validation_id"]) ?? "");
  const guards = textOf(row["guards"]);
  return {
    id,
    type: requiredText(row, "type") as KnowledgeType,
    content: requiredText(row, "content"),
    appliesWhen: requiredText(row, "applies_when"),
    tags: jsonOf<readonly string[]>(row["tags"]),
    priority: requiredText(row, "priority") as Priority,
    status: requiredText(row, "status") as KnowledgeStatus,
    ...scope,
    sourceTraceIds: jsonOf<readonly string[]>(row["source_trace_ids"]),
    analyzer: requiredText(row, "analyzer"),
    confidence: requiredNumber(row, "confidence"),
    taint: jsonOf<readonly Taint[]>(row["taint"]),
    ...(revises === undefined ? {} : { revises }),
    fingerprint: requiredText(row, "fingerprint"),
    createdAtUs: requiredNumber(row, "created_at_us"),
    updatedAtUs: requiredNumber(row, "updated_at_us"),
    version: requiredNumber(row, "version"),
    ...(validation === undefined ? {} : { validation }),
    counts: counts.get(id) ?? NO_COUNTS,
    ...(guards === undefined ? {} : { guards: JSON.parse(guards) as GuardRecord }),
  };
}

type GuardRecord = NonNullable<KnowledgeItem["guards"]>;

/** No new version, and no change that copies in other processes follow: they hold nothing of it. */
export async function writeGuards(executor: SqlExecutor, itemId: string, record: GuardRecord): Promise<void> {
  await executor.run("UPDATE knowledge SET guards = ? WHERE id = ?", [jsonText(record), itemId]);
}

/** Given and withheld runs that somebody judged, with the verdict that stands on the run; see verdict.ts for which outcome that is. Runs that retention deleted still count. */
export async function countsOf(executor: SqlExecutor, itemIds: readonly string[]): Promise<ReadonlyMap<string, ExposureCounts>> {
  const rows = await executor.all(
    `SELECT item_id,
       sum(judged) FILTER (WHERE arm = 'given') AS given, sum(successes) FILTER (WHERE arm = 'given') AS given_success,
       sum(judged) FILTER (WHERE arm = 'withheld') AS withheld, sum(successes) FILTER (WHERE arm = 'withheld') AS withheld_success
     FROM (
       SELECT e.item_id, e.arm, 1 AS judged, t.status = 'success' AS successes FROM exposure e JOIN trace t ON t.id = e.run_id
         WHERE t.status IS NOT NULL AND e.item_id IN (SELECT value FROM json_each(?1))
       UNION ALL SELECT item_id, arm, judged, successes FROM folded_exposure WHERE item_id IN (SELECT value FROM json_each(?1))
     ) GROUP BY item_id`,
    [idList(itemIds)],
  );
  return new Map(
    rows.map((row) => [
      requiredText(row, "item_id"),
      {
        given: requiredNumber(row, "given"),
        givenSuccess: requiredNumber(row, "given_success"),
        withheld: requiredNumber(row, "withheld"),
        withheldSuccess: requiredNumber(row, "withheld_success"),
      },
    ]),
  );
}

/** Writes one version of an item, its index entry and the certificate it carries. `counts` are never stored; `guards` stay as `saveGuards` left them.
 * Every way to active ends here, so that here is where a contradiction is refused: rejects "conflict". */
export async function writeItem(tx: SqlExecutor, item: KnowledgeItem): Promise<void> {
  await refuseConflicts(tx, item);
  if (item.validation !== undefined) await writeValidation(tx, item.validation);
  const columns: Readonly<Record<string, SqlValue>> = {
    id: item.id,
    type: item.type,
    status: item.status,
    priority: item.priority,
    agent_name: item.agentName,
    service: item.service,
    model: item.model,
    tenant: item.tenant,
    fingerprint: item.fingerprint,
    revises: item.revises,
    content: textBlob(item.content),
    applies_when: textBlob(item.appliesWhen),
    tags: jsonText(item.tags),
    source_trace_ids: jsonText(item.sourceTraceIds),
    taint: jsonText(item.taint),
    analyzer: item.analyzer,
    confidence: item.confidence,
    created_at_us: item.createdAtUs,
    updated_at_us: item.updatedAtUs,
    version: item.version,
    // The item says which certificate holds for it. The newest of the table will not do: editing the text takes the certificate away.
    validation_id: item.validation?.id,
  };
  const names = Object.keys(columns);
  const updates = names.filter((name) => name !== "id").map((name) => `${name} = excluded.${name}`);
  const [row] = await tx.all(
    `INSERT INTO knowledge (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})
     ON CONFLICT (id) DO UPDATE SET ${updates.join(", ")} RETURNING ref`,
    Object.values(columns),
  );
  const ref = row === undefined ? 0 : requiredNumber(row, "ref");
  await noteChange(tx, item.id);
  await tx.run("DELETE FROM knowledge_fts WHERE rowid = ?", [ref]);
  await tx.run("INSERT INTO knowledge_fts (rowid, content, applies_when) VALUES (?, ?, ?)", [
    ref,
    indexed(item.content),
    indexed(item.appliesWhen),
  ]);
}

/** Moves an item to the end of the sequence of changes, by which copies in other processes follow. */
export async function noteChange(tx: SqlExecutor, itemId: string): Promise<void> {
  await tx.run(
    `INSERT INTO knowledge_change (item_id, seq) VALUES (?, (SELECT coalesce(max(seq), 0) + 1 FROM knowledge_change))
     ON CONFLICT (item_id) DO UPDATE SET seq = excluded.seq`,
    [itemId],
  );
}

/** Certificates are never changed: a second one with the same id is ignored. */
export async function writeValidation(tx: SqlExecutor, validation: Validation): Promise<void> {
  await tx.run("INSERT OR IGNORE INTO validation (id, item_id, kind, decision, created_at_us, body) VALUES (?, ?, ?, ?, ?, ?)", [
    validation.id,
    validation.itemId,
    validation.kind,
    validation.decision,
    validation.createdAtUs,
    jsonText(validation),
  ]);
}
