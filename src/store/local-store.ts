import type { Clock } from "../base/clock.ts";
import { createAdminStore } from "./admin-store.ts";
import type { SqlDriver } from "./driver.ts";
import { createEvaluationStore } from "./evaluation-store.ts";
import { createIngestStore } from "./ingest-store.ts";
import { createVectorStore } from "./item-vectors.ts";
import { createKnowledgeFeed } from "./knowledge-changes.ts";
import { createKnowledgeSearch } from "./knowledge-search.ts";
import { createKnowledgeStore } from "./knowledge-store.ts";
import { createLeaseStore } from "./lease-store.ts";
import { createLessonStore } from "./lesson-store.ts";
import { createOutcomeStore } from "./outcome-store.ts";
import type { Store } from "./ports.ts";
import { createTraceStore } from "./trace-store.ts";

/** A store without the pump that maps and assembles; whoever owns the pump adds `drain`. */
export type SqlStore = Omit<Store, "drain">;

/** All ports over one driver whose schema is up to date. `close` closes the driver. */
export function createSqlStore(driver: SqlDriver, clock: Clock): SqlStore {
  return {
    ...createIngestStore(driver, clock),
    ...createLeaseStore(driver),
    ...createTraceStore(driver),
    ...createOutcomeStore(driver, clock),
    ...createLessonStore(driver, clock),
    ...createKnowledgeStore(driver, clock),
    ...createKnowledgeSearch(driver),
    ...createKnowledgeFeed(driver),
    ...createVectorStore(driver),
    ...createEvaluationStore(driver),
    ...createAdminStore(driver, clock),
    close: () => driver.close(),
  };
}
