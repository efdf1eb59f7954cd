import type { KnowledgeSearch } from "../injection/ports.ts";
import { isTested, type Scope } from "../knowledge/knowledge-item.ts";
import type { SqlDriver, SqlValue } from "./driver.ts";
import { itemsFromRows } from "./knowledge-row.ts";
import { matchExpression } from "./match.ts";

/** `appliesTo` of the knowledge room in SQL; parameters ?1 to ?4. */
const APPLIES = `(?1 IS NULL OR k.agent_name IS NULL OR k.agent_name = ?1) AND (?2 IS NULL OR k.service IS NULL OR k.service = ?2)
  AND (?3 IS NULL OR k.model IS NULL OR k.model = ?3) AND (k.tenant IS NULL OR k.tenant = ?4)`;

function parameters({ agentName, service, model, tenant }: Scope): readonly SqlValue[] {
  return [agentName, service, model, tenant];
}

export function createKnowledgeSearch(driver: SqlDriver): KnowledgeSearch {
  return {
    pinnedItems: async (asking) => {
      const rows = await driver.all(
        `SELECT k.* FROM knowledge k WHERE k.status = 'active' AND k.priority = 'pinned' AND ${APPLIES} ORDER BY k.created_at_us, k.ref`,
        parameters(asking),
      );
      return itemsFromRows(driver, rows);
    },

    searchKnowledge: async (task, limit, asking) => {
      const match = matchExpression(task);
      if (match === undefined) return [];
      const rows = await driver.all(
        `SELECT k.* FROM knowledge_fts JOIN knowledge k ON k.ref = knowledge_fts.rowid
         WHERE knowledge_fts MATCH ?5 AND k.status = 'active' AND k.priority = 'normal' AND ${APPLIES}
         ORDER BY bm25(knowledge_fts), k.ref LIMIT ?6`,
        [...parameters(asking), match, limit],
      );
      return itemsFromRows(driver, rows);
    },

    activeItems: async (limit, asking) => {
      const rows = await driver.all(
        `SELECT k.* FROM knowledge k WHERE k.status = 'active' AND (?5 OR (${APPLIES})) ORDER BY k.created_at_us, k.ref LIMIT ?6`,
        [...parameters(asking ?? {}), asking === undefined ? 1 : 0, limit],
      );
      return itemsFromRows(driver, rows);
    },

    provenItems: async (asking, limit) => {
      if (asking.agentName === undefined) return [];
      const rows = await driver.all(
        `SELECT k.* FROM knowledge k WHERE k.status = 'active' AND k.priority = 'normal' AND k.agent_name = ?1 AND ${APPLIES}
         ORDER BY k.created_at_us, k.ref`,
        parameters(asking),
      );
      const proven = (await itemsFromRows(driver, rows)).filter(isTested);
      return proven.sort((a, b) => (b.validation?.wins ?? 0) - (a.validation?.wins ?? 0)).slice(0, limit);
    },
  };
}
