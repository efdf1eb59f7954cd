import { type OnlineSetting, onlineSetting } from "../../src/knowledge/online-setting.ts";

/** Online validation, switched on. */
export function anOnlineSetting(limits: Partial<Omit<OnlineSetting, "brand">> = {}): OnlineSetting {
  const { share = 0.5, maxRuns = 500, maxCandidates = 3 } = limits;
  return onlineSetting({ online: "on", onlineShare: share, onlineMaxRuns: maxRuns, onlineMaxCandidates: maxCandidates }) as OnlineSetting;
}
