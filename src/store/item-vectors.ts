import type { VectorStore } from "../injection/ports.ts";
import type { SqlDriver } from "./driver.ts";
import { idList } from "./rows.ts";
import { requiredText } from "./values.ts";

export function createVectorStore(driver: SqlDriver): VectorStore {
  return {
    itemVectors: async (modelId, itemIds) => {
      const rows = await driver.all(
        "SELECT item_id, digest, vector FROM item_vector WHERE model_id = ? AND item_id IN (SELECT value FROM json_each(?))",
        [modelId, idList(itemIds)],
      );
      return rows.map((row) => ({
        itemId: requiredText(row, "item_id"),
        digest: requiredText(row, "digest"),
        vector: numbersOf(row["vector"]),
      }));
    },

    saveItemVectors: (modelId, vectors) =>
      driver.transaction(async (tx) => {
        for (const { itemId, digest, vector } of vectors) {
          await tx.run(
            `INSERT INTO item_vector (item_id, model_id, digest, vector)
             SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM knowledge WHERE id = ?1)
             ON CONFLICT (item_id, model_id) DO UPDATE SET digest = excluded.digest, vector = excluded.vector`,
            [itemId, modelId, digest, new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength)],
          );
        }
      }),
  };
}

/** 32-bit floats, little endian, which is also what libSQL's vector functions read. A copy: the cell may stand anywhere in its buffer. */
function numbersOf(cell: unknown): Float32Array {
  const bytes = cell instanceof Uint8Array ? cell.slice() : new Uint8Array();
  return new Float32Array(bytes.buffer, 0, Math.floor(bytes.byteLength / 4));
}
