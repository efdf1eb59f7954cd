import { LearnError } from "../base/error.ts";
import {
  blockedMessage,
  type Conflict,
  clashDigest,
  conflictBetween,
  holds,
  isOpen,
  otherOf,
  type StoredWords,
} from "../knowledge/conflict.ts";
import { type KnowledgeItem, scopeOf } from "../knowledge/knowledge-item.ts";
import type { Row, SqlExecutor } from "./driver.ts";
import { activeSuccessorsOf } from "./lineage.ts";
import { matchExpression } from "./match.ts";
import { idList } from "./rows.ts";
import { jsonOf, requiredNumber, requiredText, textOf } from "./values.ts";

// Up to here every active item is compared. Above, those that share most words: rules that contradict each other speak of the same things.
const COMPARE_ALL = 200;
const MOST_COMPARED = 200;

const WORDS = "k.id, k.content, k.applies_when, k.agent_name, k.service, k.model, k.tenant";

/** Rejects "conflict" when the item would become active, or say something else while it is, beside an active one that contradicts it. */
export async function refuseConflicts(tx: SqlExecutor, item: KnowledgeItem): Promise<void> {
  if (item.status !== "active") return;
  const [row] = await tx.all(`SELECT ${WORDS}, k.status FROM knowledge k WHERE k.id = ?`, [item.id]);
  // What stands already is not taken away by pinning it; `conflicts` and `audit` list it.
  if (row !== undefined && requiredText(row, "status") === "active" && clashDigest(wordsOf(row)) === clashDigest(item)) return;
  const [conflict] = await blockersOf(tx, item, item.updatedAtUs);
  if (conflict === undefined) return;
  const { message, hint } = blockedMessage(item.id, conflict);
  throw new LearnError("conflict", message, { hint });
}

/** See `ConflictStore.conflictsOf`. */
export async function blockersOf(executor: SqlExecutor, item: KnowledgeItem, nowUs: number): Promise<readonly Conflict[]> {
  const stored = await storedOf(executor, item.id);
  const others = await rivalsOf(executor, item, [...stored.keys()]);
  const successors = others.length === 0 ? new Set<string>() : await activeSuccessorsOf(executor, item.id);
  return others.flatMap((other) => {
    // It takes that one's place, or takes it back, so they never stand together; whoever makes it active sees to that.
    if (other.id === item.revises || successors.has(other.id)) return [];
    const known = stored.get(other.id);
    const [first, second] = item.id < other.id ? [item, other] : [other, item];
    const valid = known !== undefined && holds(known, first, second) ? known : undefined;
    const found = valid?.kind === "contradiction" ? valid : conflictBetween(item, other, nowUs);
    return found !== undefined && isOpen(found) ? [found] : [];
  });
}

async function storedOf(executor: SqlExecutor, itemId: string): Promise<ReadonlyMap<string, Conflict>> {
  const rows = await executor.all("SELECT * FROM knowledge_conflict WHERE first_id = ?1 OR second_id = ?1", [itemId]);
  return new Map(rows.map(conflictFromRow).map((conflict) => [otherOf(itemId, conflict), conflict]));
}

/** Active items that could contradict it. */
async function rivalsOf(executor: SqlExecutor, item: KnowledgeItem, known: readonly string[]): Promise<readonly StoredWords[]> {
  const [count] = await executor.all("SELECT count(*) AS active FROM knowledge WHERE status = 'active'");
  const few = requiredNumber(count ?? {}, "active") <= COMPARE_ALL;
  const match = matchExpression(`${item.content} ${item.appliesWhen}`, { keepStopWords: true });
  const rows =
    few || match === undefined
      ? await executor.all(`SELECT ${WORDS} FROM knowledge k WHERE k.status = 'active' AND k.id <> ? LIMIT ${COMPARE_ALL + 1}`, [item.id])
      : await executor.all(
          `SELECT ${WORDS} FROM knowledge_fts JOIN knowledge k ON k.ref = knowledge_fts.rowid
           WHERE knowledge_fts MATCH ?1 AND k.status = 'active' AND k.id <> ?2 ORDER BY bm25(knowledge_fts), k.ref LIMIT ${MOST_COMPARED}`,
          [match, item.id],
        );
  const seen = new Set(rows.map((row) => requiredText(row, "id")));
  const more = await executor.all(
    `SELECT ${WORDS} FROM knowledge k WHERE k.status = 'active' AND k.id IN (SELECT value FROM json_each(?))`,
    [idList(known.filter((id) => !seen.has(id)))],
  );
  return [...rows, ...more].map(wordsOf);
}

function wordsOf(row: Row): StoredWords {
  const scope = scopeOf({
    agentName: textOf(row["agent_name"]),
    service: textOf(row["service"]),
    model: textOf(row["model"]),
    tenant: textOf(row["tenant"]),
  });
  return { id: requiredText(row, "id"), content: requiredText(row, "content"), appliesWhen: requiredText(row, "applies_when"), ...scope };
}

/** Column `body`; `resolution` holds what only a settled one has. */
export function conflictFromRow(row: Row): Conflict {
  const resolution = jsonOf<Conflict["resolution"] | null>(row["resolution"]);
  return {
    ...jsonOf<Omit<Conflict, "firstId" | "secondId" | "foundAtUs" | "resolution">>(row["body"]),
    firstId: requiredText(row, "first_id"),
    secondId: requiredText(row, "second_id"),
    foundAtUs: requiredNumber(row, "found_at_us"),
    ...(resolution === null || resolution === undefined ? {} : { resolution }),
  };
}
