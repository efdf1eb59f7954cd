import type { Clock } from "../base/clock.ts";
import { newId } from "../base/id.ts";
import { type HistoryEntry, type KnowledgeItem, scopeOf, type Validation } from "../knowledge/knowledge-item.ts";
import type { KnowledgeStore } from "../knowledge/ports.ts";
import type { Lesson } from "../lesson/lesson.ts";
import type { Row, SqlDriver, SqlExecutor } from "./driver.ts";
import { itemsFromRows, noteChange, writeGuards, writeItem, writeValidation } from "./knowledge-row.ts";
import { SUCCESSORS } from "./lineage.ts";
import { rowByPrefix } from "./prefix.ts";
import { saveVersion, writeHistory } from "./save-version.ts";
import { forgetInSnapshots } from "./snapshot-store.ts";
import { jsonOf, requiredNumber, requiredText, textOf } from "./values.ts";

export function createKnowledgeStore(driver: SqlDriver, clock: Clock): KnowledgeStore {
  return {
    listKnowledge: async (filter) => {
      const order = "ORDER BY priority = 'pinned' DESC, created_at_us DESC, ref DESC LIMIT";
      const rows =
        filter.revises === undefined
          ? await driver.all(`SELECT * FROM knowledge WHERE (?1 IS NULL OR status = ?1) ${order} ?2`, [filter.status, filter.limit ?? -1])
          : await driver.all(
              `${SUCCESSORS} SELECT * FROM knowledge WHERE id IN (SELECT id FROM line) AND id <> ?1 AND (?2 IS NULL OR status = ?2) ${order} ?3`,
              [filter.revises, filter.status, filter.limit ?? -1],
            );
      return itemsFromRows(driver, rows);
    },

    getKnowledgeItem: async (idOrPrefix) => {
      const [item] = await itemsFromRows(driver, [await rowByPrefix(driver, "knowledge", "knowledge item", idOrPrefix)]);
      return item as KnowledgeItem;
    },

    historyOf: async (itemId) => {
      const rows = await driver.all("SELECT * FROM history WHERE item_id = ? ORDER BY version", [itemId]);
      return rows.map(historyFromRow);
    },

    propose: (lesson, actor) =>
      driver.transaction(async (tx) => {
        const [row] = await tx.all("SELECT * FROM knowledge WHERE fingerprint = ? AND status <> 'archived' ORDER BY ref LIMIT 1", [
          lesson.fingerprint,
        ]);
        if (row === undefined) return { item: await create(tx, lesson, actor, clock), created: true };
        const [known] = await itemsFromRows(tx, [row]);
        return { item: await addSources(tx, known as KnowledgeItem, lesson, actor, clock), created: false };
      }),

    saveItem: (item, entry) => driver.transaction((tx) => saveVersion(tx, { item, entry })),

    saveItems: (writes) =>
      driver.transaction(async (tx) => {
        for (const write of writes) await saveVersion(tx, write);
      }),

    saveGuards: (itemId, record) => writeGuards(driver, itemId, record),

    saveValidation: (validation) => driver.transaction((tx) => writeValidation(tx, validation)),

    testStream: async () => {
      const [row] = await driver.all(
        `SELECT coalesce(sum(kind = 'statistical' OR json_extract(CAST(body AS TEXT), '$.online.endedAtUs') IS NULL), 0) AS tests,
                coalesce(sum(decision = 'pass'), 0) AS passed,
                coalesce(max(json_extract(CAST(body AS TEXT), '$.position')), 0) AS last_position
           FROM validation WHERE kind IN ('statistical', 'online')`,
      );
      const stream = row as Row;
      return {
        tests: requiredNumber(stream, "tests"),
        passed: requiredNumber(stream, "passed"),
        lastPosition: requiredNumber(stream, "last_position"),
      };
    },
    validations: async (itemId) => {
      const rows = await driver.all("SELECT body FROM validation WHERE (?1 IS NULL OR item_id = ?1) ORDER BY created_at_us, seq", [itemId]);
      return rows.map((row) => jsonOf<Validation>(row["body"]));
    },

    removeItem: (itemId) =>
      driver.transaction(async (tx) => {
        await tx.run("DELETE FROM knowledge_fts WHERE rowid IN (SELECT ref FROM knowledge WHERE id = ?)", [itemId]);
        for (const table of ["history", "validation", "exposure", "folded_exposure", "item_vector"])
          await tx.run(`DELETE FROM ${table} WHERE item_id = ?`, [itemId]);
        await tx.run("DELETE FROM trial_ration WHERE seed NOT IN (SELECT id FROM validation)");
        await tx.run("DELETE FROM knowledge_conflict WHERE first_id = ?1 OR second_id = ?1", [itemId]);
        await tx.run("DELETE FROM knowledge WHERE id = ?", [itemId]);
        await forgetInSnapshots(tx, itemId);
        await noteChange(tx, itemId);
      }),
  };
}

async function create(tx: SqlExecutor, lesson: Lesson, actor: string, clock: Clock): Promise<KnowledgeItem> {
  // The lesson's own id where it is free, so that a log line about the lesson finds the item. It is taken after the item was archived.
  const taken = await tx.all("SELECT 1 AS taken FROM knowledge WHERE id = ?", [lesson.id]);
  const nowUs = clock.nowUs();
  const old = lesson.revises === undefined ? undefined : await itemById(tx, lesson.revises);
  const item: KnowledgeItem = {
    id: taken.length === 0 ? lesson.id : newId(),
    type: lesson.type,
    content: lesson.content,
    appliesWhen: lesson.appliesWhen,
    tags: lesson.tags,
    priority: "normal",
    status: "candidate",
    ...scopeOf(lesson),
    sourceTraceIds: [...new Set(lesson.sourceTraceIds)],
    analyzer: lesson.analyzer,
    confidence: lesson.confidence,
    taint: lesson.taint,
    ...(old === undefined ? {} : { revises: old.id }),
    fingerprint: lesson.fingerprint,
    createdAtUs: nowUs,
    updatedAtUs: nowUs,
    version: 1,
    counts: { given: 0, givenSuccess: 0, withheld: 0, withheldSuccess: 0 },
  };
  await writeItem(tx, item);
  // The words of the other item as they were then: it may be edited later, and this is what a reader compares.
  const changes: HistoryEntry["changes"] =
    old === undefined
      ? {}
      : { revises: [null, old.id], content: [old.content, item.content], appliesWhen: [old.appliesWhen, item.appliesWhen] };
  await writeHistory(tx, { itemId: item.id, version: 1, atUs: nowUs, actor, action: "propose", reason: lesson.reasoning, changes });
  return item;
}

async function itemById(tx: SqlExecutor, id: string): Promise<KnowledgeItem | undefined> {
  const [item] = await itemsFromRows(tx, await tx.all("SELECT * FROM knowledge WHERE id = ?", [id]));
  return item;
}

/** Sources and taint only ever grow: a second sighting in tool output must not be forgotten because the first was clean. */
async function addSources(tx: SqlExecutor, known: KnowledgeItem, lesson: Lesson, actor: string, clock: Clock): Promise<KnowledgeItem> {
  const sourceTraceIds = [...new Set([...known.sourceTraceIds, ...lesson.sourceTraceIds])];
  const taint = [...new Set([...known.taint, ...lesson.taint])];
  if (sourceTraceIds.length === known.sourceTraceIds.length && taint.length === known.taint.length) return known;
  const nowUs = clock.nowUs();
  const item: KnowledgeItem = { ...known, sourceTraceIds, taint, updatedAtUs: nowUs, version: known.version + 1 };
  await writeItem(tx, item);
  const changes = { sourceTraceIds: [known.sourceTraceIds, sourceTraceIds] as const, taint: [known.taint, taint] as const };
  await writeHistory(tx, { itemId: item.id, version: item.version, atUs: nowUs, actor, action: "source", changes });
  return item;
}

function historyFromRow(row: Row): HistoryEntry {
  const reason = textOf(row["reason"]);
  return {
    itemId: requiredText(row, "item_id"),
    version: requiredNumber(row, "version"),
    atUs: requiredNumber(row, "at_us"),
    actor: requiredText(row, "actor"),
    action: requiredText(row, "action") as HistoryEntry["action"],
    ...(reason === undefined ? {} : { reason }),
    changes: jsonOf<HistoryEntry["changes"]>(row["changes"]),
  };
}
