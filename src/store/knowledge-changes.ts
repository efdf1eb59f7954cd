import type { KnowledgeChange, KnowledgeFeed } from "../injection/ports.ts";
import { type ItemInUse, type Scope, scopeOf, type Validation } from "../knowledge/knowledge-item.ts";
import type { KnowledgeType } from "../lesson/lesson.ts";
import type { Row, SqlDriver } from "./driver.ts";
import { countsOf, NO_COUNTS } from "./knowledge-row.ts";
import { jsonOf, requiredNumber, requiredText } from "./values.ts";

// Each cell costs 0.7 µs on its way through the binding, which is half of a load: few columns.
// Text of items that may not be given stays on the disk, and so do the pairs of certificates, which are most of their bytes.
const CHANGES = `SELECT c.seq, c.item_id, k.type, k.priority, k.created_at_us, k.content, k.applies_when,
    CASE WHEN coalesce(k.agent_name, k.service, k.model, k.tenant) IS NOT NULL THEN
      json_object('agentName', k.agent_name, 'service', k.service, 'model', k.model, 'tenant', k.tenant) END AS scope,
    k.status,
    json_extract(CAST(v.body AS TEXT), '$.itemId', '$.kind', '$.decision', '$.wins', '$.contentDigest', '$.online.seed', '$.online.share', '$.online.endedAtUs') AS evidence
  FROM knowledge_change c
  LEFT JOIN knowledge k ON k.id = c.item_id AND (k.status = 'active' OR (k.status = 'candidate' AND EXISTS (
    SELECT 1 FROM validation t WHERE t.id = k.validation_id AND t.kind = 'online' AND t.decision = 'inconclusive')))
  LEFT JOIN validation v ON v.id = k.validation_id
  WHERE c.seq > ? ORDER BY c.seq LIMIT ?`;

export function createKnowledgeFeed(driver: SqlDriver): KnowledgeFeed {
  return {
    knowledgeChanges: async (since, limit) => {
      const rows = await driver.all(CHANGES, [since, limit + 1]);
      const page = rows.slice(0, limit);
      const more = rows.length > limit;
      const active = page.filter((row) => row["type"] !== null).map((row) => requiredText(row, "item_id"));
      const counts = active.length === 0 ? undefined : await countsOf(driver, active);
      const changes = page.map((row): KnowledgeChange => {
        const [seq, id] = [requiredNumber(row, "seq"), requiredText(row, "item_id")];
        const item = row["type"] === null ? undefined : itemOf(row, id, counts?.get(id) ?? NO_COUNTS);
        if (item === undefined) return { seq, id };
        return item.status === "active" ? { seq, id, item } : { seq, id, trial: item };
      });
      return { changes, seq: changes.at(-1)?.seq ?? (await newest()), more };
    },
  };

  async function newest(): Promise<number> {
    const [row] = await driver.all("SELECT coalesce(max(seq), 0) AS seq FROM knowledge_change");
    return row === undefined ? 0 : requiredNumber(row, "seq");
  }
}

function itemOf(row: Row, id: string, counts: ItemInUse["counts"]): ItemInUse {
  const validation = evidenceOf(row);
  return {
    id,
    type: requiredText(row, "type") as KnowledgeType,
    content: requiredText(row, "content"),
    appliesWhen: requiredText(row, "applies_when"),
    priority: requiredText(row, "priority") as ItemInUse["priority"],
    status: requiredText(row, "status") as ItemInUse["status"],
    createdAtUs: requiredNumber(row, "created_at_us"),
    ...scope(row),
    ...(validation === undefined ? {} : { validation }),
    counts,
  };
}

function scope(row: Row): Scope {
  const stored = row["scope"] === null ? {} : jsonOf<{ readonly [Field in keyof Scope]: string | null }>(row["scope"]);
  return scopeOf(Object.fromEntries(Object.entries(stored).map(([field, value]) => [field, value ?? undefined])));
}

function evidenceOf(row: Row): ItemInUse["validation"] {
  if (row["evidence"] === null) return undefined;
  const [itemId, kind, decision, wins, contentDigest, seed, share, endedAtUs] = jsonOf<
    [string, Validation["kind"], Validation["decision"], number, string | null, string | null, number | null, number | null]
  >(row["evidence"]);
  const evidence = { itemId, kind, decision, wins, ...(contentDigest === null ? {} : { contentDigest }) };
  if (seed === null || share === null) return evidence;
  return { ...evidence, online: { seed, share, ...(endedAtUs === null ? {} : { endedAtUs }) } };
}
