import { afterAll, beforeAll, describe } from "vitest";
import type { SqlStore } from "../../../src/store/local-store.ts";
import { describeChanges, describeVectors } from "./changes.ts";
import { describeConflicts } from "./conflicts.ts";
import { describeEffects } from "./effects.ts";
import { describeEvaluations } from "./evaluations.ts";
import { describeIngest } from "./ingest.ts";
import { describeKnowledge } from "./knowledge.ts";
import { describeLeases } from "./leases.ts";
import { describeSnapshots } from "./snapshots.ts";
import { describeSpending } from "./spending.ts";
import { describeTraces } from "./traces.ts";
import { describeTrials } from "./trials.ts";

/** What every store promises, whatever is behind it. One store serves the whole suite, so a test asks only about what it wrote itself. */
export function describeStore(name: string, open: () => Promise<SqlStore>): void {
  describe(name, () => {
    let store: SqlStore;
    beforeAll(async () => {
      store = await open();
    });
    afterAll(async () => {
      await store?.close();
      await store?.close();
    });
    describeIngest(() => store);
    describeLeases(() => store);
    describeTraces(() => store);
    describeKnowledge(() => store);
    describeEffects(() => store);
    describeSnapshots(() => store);
    describeConflicts(() => store);
    describeChanges(() => store);
    describeVectors(() => store);
    describeEvaluations(() => store);
    describeSpending(() => store);
    describeTrials(() => store);
  });
}
