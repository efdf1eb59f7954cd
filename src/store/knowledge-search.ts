import type { KnowledgeSearch } from "../injection/ports.ts";
import type { SqlDriver } from "./driver.ts";
import { itemsFromRows } from "./knowledge-row.ts";
import { matchExpression } from "./match.ts";

/** An item for one agent is never given to another, nor to a caller who does not say who asks. */
const FOR_AGENT = "(k.agent_name IS NULL OR k.agent_name = ?)";

export function createKnowledgeSearch(driver: SqlDriver): KnowledgeSearch {
  return {
    pinnedItems: async (agentName) => {
      const rows = await driver.all(
        `SELECT k.* FROM knowledge k WHERE k.status = 'active' AND k.priority = 'pinned' AND ${FOR_AGENT} ORDER BY k.created_at_us, k.ref`,
        [agentName],
      );
      return itemsFromRows(driver, rows);
    },

    searchKnowledge: async (task, limit, agentName) => {
      const match = matchExpression(task);
      if (match === undefined) return [];
      const rows = await driver.all(
        `SELECT k.* FROM knowledge_fts JOIN knowledge k ON k.ref = knowledge_fts.rowid
         WHERE knowledge_fts MATCH ? AND k.status = 'active' AND k.priority = 'normal' AND ${FOR_AGENT}
         ORDER BY bm25(knowledge_fts), k.ref LIMIT ?`,
        [match, agentName, limit],
      );
      return itemsFromRows(driver, rows);
    },
  };
}
