import type { Clock } from "../base/clock.ts";
import { LearnError } from "../base/error.ts";
import type { Conflict } from "../knowledge/conflict.ts";
import type { ConflictStore } from "../knowledge/ports.ts";
import { blockersOf, conflictFromRow } from "./conflict-gate.ts";
import type { SqlDriver, SqlExecutor } from "./driver.ts";
import { jsonText } from "./values.ts";

export function createConflictStore(driver: SqlDriver, clock: Clock): ConflictStore {
  return {
    conflictsOf: (item) => blockersOf(driver, item, clock.nowUs()),

    listConflicts: async (itemId) => {
      const rows = await driver.all(
        "SELECT * FROM knowledge_conflict WHERE ?1 IS NULL OR first_id = ?1 OR second_id = ?1 ORDER BY found_at_us, first_id, second_id",
        [itemId],
      );
      return rows.map(conflictFromRow);
    },

    saveConflicts: (conflicts) =>
      driver.transaction(async (tx) => {
        for (const conflict of conflicts) await save(tx, conflict);
      }),
  };
}

async function save(tx: SqlExecutor, conflict: Conflict): Promise<void> {
  const { firstId, secondId, foundAtUs, resolution, ...body } = conflict;
  if (firstId >= secondId) throw new LearnError("invalid", `the conflict of ${firstId} and ${secondId} is not ordered by id`);
  const [row] = await tx.all("SELECT * FROM knowledge_conflict WHERE first_id = ? AND second_id = ?", [firstId, secondId]);
  const known = row === undefined ? undefined : conflictFromRow(row);
  const same = known?.digests[0] === conflict.digests[0] && known.digests[1] === conflict.digests[1];
  if (resolution === undefined && same && (known?.resolution !== undefined || conflict.kind === "compatible")) return;
  await tx.run(
    `INSERT INTO knowledge_conflict (first_id, second_id, kind, found_at_us, body, resolved_at_us, resolved_by, resolution)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (first_id, second_id) DO UPDATE SET kind = excluded.kind, found_at_us = excluded.found_at_us, body = excluded.body,
       resolved_at_us = excluded.resolved_at_us, resolved_by = excluded.resolved_by, resolution = excluded.resolution`,
    [
      firstId,
      secondId,
      conflict.kind,
      same ? (known?.foundAtUs ?? foundAtUs) : foundAtUs,
      jsonText(body),
      resolution?.atUs,
      resolution?.actor,
      resolution === undefined ? null : jsonText(resolution),
    ],
  );
}
