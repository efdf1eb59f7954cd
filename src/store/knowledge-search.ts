import type { KnowledgeSearch } from "../injection/ports.ts";
import type { SqlDriver } from "./driver.ts";
import { itemsFromRows } from "./knowledge-row.ts";
import { matchExpression } from "./match.ts";

/** An item for one agent is never given to another. A caller who does not say who asks is taken for all of them: most stores serve one agent. */
const FOR_AGENT = "(?1 IS NULL OR k.agent_name IS NULL OR k.agent_name = ?1)";

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
         WHERE knowledge_fts MATCH ?2 AND k.status = 'active' AND k.priority = 'normal' AND ${FOR_AGENT}
         ORDER BY bm25(knowledge_fts), k.ref LIMIT ?3`,
        [agentName, match, limit],
      );
      return itemsFromRows(driver, rows);
    },

    provenItems: async (agentName, limit) => {
      const rows = await driver.all(
        "SELECT k.* FROM knowledge k WHERE k.status = 'active' AND k.priority = 'normal' AND k.agent_name = ? ORDER BY k.created_at_us, k.ref",
        [agentName],
      );
      const proven = (await itemsFromRows(driver, rows)).filter(({ validation }) => validation?.kind === "statistical");
      return proven.sort((a, b) => (b.validation?.wins ?? 0) - (a.validation?.wins ?? 0)).slice(0, limit);
    },
  };
}
