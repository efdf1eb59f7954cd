import type { Clock, TimeUs } from "../base/clock.ts";
import { newId } from "../base/id.ts";
import type { Store } from "../store/ports.ts";

/** A cycle that is stored and not ended. */
export interface OpenCycle {
  readonly id: string;
  readonly startedAtUs: TimeUs;
  /** Another process began it. */
  readonly resumed: boolean;
}

/** An agent that was tested so long ago is another agent by now. */
const MAX_AGE_US = 86_400_000_000;

/** Goes on with the cycle that was begun and not ended, or begins one. To be called by whoever holds the lease on learning. */
export async function openCycle(store: Pick<Store, "saveCycle" | "unfinishedCycle">, clock: Clock): Promise<OpenCycle> {
  const nowUs = clock.nowUs();
  for (let found = await store.unfinishedCycle(); found !== undefined; found = await store.unfinishedCycle()) {
    const { id, startedAtUs } = found;
    if (nowUs - startedAtUs < MAX_AGE_US) return { id, startedAtUs, resumed: true };
    await store.saveCycle({ id, startedAtUs, endedAtUs: nowUs, report: { cycleId: id, abandoned: "it was not ended within a day" } });
  }
  const begun = { id: newId(), startedAtUs: nowUs };
  await store.saveCycle({ ...begun, report: null });
  return { ...begun, resumed: false };
}
