import type { Clock } from "../base/clock.ts";
import { createAdminStore } from "./admin-store.ts";
import { createBodyIndex } from "./body-index.ts";
import type { BodyLog } from "./body-log.ts";
import { createConflictStore } from "./conflict-store.ts";
import type { SqlDriver } from "./driver.ts";
import { createEffectStore } from "./effect-store.ts";
import { createEvaluationStore } from "./evaluation-store.ts";
import { createIngestStore } from "./ingest-store.ts";
import { createVectorStore } from "./item-vectors.ts";
import { createKnowledgeFeed } from "./knowledge-changes.ts";
import { createKnowledgeSearch } from "./knowledge-search.ts";
import { createKnowledgeStore } from "./knowledge-store.ts";
import { createLeaseStore } from "./lease-store.ts";
import { createLessonStore } from "./lesson-store.ts";
import { createOutcomeStore } from "./outcome-store.ts";
import type { OfTheOwner, Store } from "./ports.ts";
import { createSnapshotStore } from "./snapshot-store.ts";
import { createSpendStore } from "./spend-store.ts";
import { createTraceStore } from "./trace-store.ts";
import { createTrialStore } from "./trial-store.ts";
import { createUsageStore } from "./usage-store.ts";

/** A store without what maps, assembles and diagnoses; whoever owns that adds it. */
export type SqlStore = Omit<Store, OfTheOwner>;

/** All ports over one driver whose schema is up to date. `close` closes the driver. */
export function createSqlStore(database: SqlDriver, clock: Clock, log?: BodyLog): SqlStore {
  const index = log === undefined ? undefined : createBodyIndex(database, log);
  const driver = index?.driver ?? database;
  return {
    ...createIngestStore(driver, clock, log === undefined || index === undefined ? undefined : { log, index }),
    ...createLeaseStore(driver),
    ...createTraceStore(driver),
    ...createOutcomeStore(driver, clock),
    ...createLessonStore(driver, clock),
    ...createKnowledgeStore(driver, clock),
    ...createSnapshotStore(driver),
    ...createConflictStore(driver, clock),
    ...createUsageStore(driver),
    ...createKnowledgeSearch(driver),
    ...createEffectStore(driver),
    ...createKnowledgeFeed(driver),
    ...createTrialStore(driver, clock),
    ...createVectorStore(driver),
    ...createEvaluationStore(driver),
    ...createSpendStore(driver, clock),
    ...createAdminStore(driver, clock, log),
    close: async () => {
      await index?.close();
      await driver.close();
      log?.close();
    },
  };
}
