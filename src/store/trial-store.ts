import type { Clock } from "../base/clock.ts";
import { LearnError } from "../base/error.ts";
import type { TrialRations } from "../injection/ports.ts";
import type { TrialStore } from "../knowledge/ports.ts";
import type { SqlDriver } from "./driver.ts";
import { numberOf, requiredNumber } from "./values.ts";

/** The trial that goes on under this seed: a candidate still carries its note. */
const MOST = `SELECT json_extract(CAST(v.body AS TEXT), '$.online.maxRuns') AS most FROM validation v JOIN knowledge k ON k.validation_id = v.id
  WHERE v.id = ? AND v.kind = 'online' AND v.decision = 'inconclusive' AND k.status = 'candidate'`;

export function createTrialStore(driver: SqlDriver, clock: Clock): TrialRations & TrialStore {
  return {
    takeTrialRuns: async (seed, count) => {
      if (!Number.isSafeInteger(count) || count < 1)
        throw new LearnError("invalid", `${count} answers can't be taken, only a whole number from 1`);
      return driver.transaction(async (tx) => {
        const [trial] = await tx.all(MOST, [seed]);
        const [row] = await tx.all("SELECT taken FROM trial_ration WHERE seed = ?", [seed]);
        const taken = numberOf(row?.["taken"]) ?? 0;
        const granted = Math.max(0, Math.min(count, (numberOf(trial?.["most"]) ?? 0) - taken));
        if (granted === 0) return 0;
        await tx.run(
          `INSERT INTO trial_ration (seed, taken, taken_at_us) VALUES (?1, ?2, ?3)
           ON CONFLICT (seed) DO UPDATE SET taken = taken + excluded.taken, taken_at_us = excluded.taken_at_us`,
          [seed, granted, clock.nowUs()],
        );
        return granted;
      });
    },

    trialRunsTaken: async (seed) => {
      const [row] = await driver.all("SELECT taken, taken_at_us FROM trial_ration WHERE seed = ?", [seed]);
      if (row === undefined) return { taken: 0 };
      return { taken: requiredNumber(row, "taken"), lastAtUs: requiredNumber(row, "taken_at_us") };
    },
  };
}
