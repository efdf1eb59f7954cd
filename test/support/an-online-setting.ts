import { type OnlineSetting, onlineSetting } from "../../src/knowledge/online-setting.ts";

/** Online validation, switched on. */
export function anOnlineSetting(limits: Partial<Omit<OnlineSetting, "brand">> = {}): OnlineSetting {
  const { share = 0.5, maxRuns = 500, maxCandidates = 3, waitMs = 0 } = limits;
  const bounds = { onlineShare: share, onlineMaxRuns: maxRuns, onlineMaxCandidates: maxCandidates, onlineWaitMs: waitMs };
  return onlineSetting({ online: "on", ...bounds }) as OnlineSetting;
}
