declare const brand: unique symbol;

/** No setting, and no note whoever wrote it, gives an untested item to more of the runs than this. */
export const MOST_ONLINE_SHARE = 0.5;

/**
 * That online validation is switched on, and within which bounds. Only `onlineSetting` makes one, from settings that say "on": what asks for one, as
 * `onlineItem` does, can't be reached where nobody opted in.
 */
export type OnlineSetting = OnlineLimits & { readonly [brand]: true };

export interface OnlineLimits {
  /** In (0, `MOST_ONLINE_SHARE`]: share of the matching runs, or conversations, that are given an untested item. */
  readonly share: number;
  /** Most answers that ever hold one item while it is untested. */
  readonly maxRuns: number;
  /** Most items that are tried at the same time. */
  readonly maxCandidates: number;
  /** So long after its start a run counts for nothing but harm: what is said of it may still be on its way. */
  readonly waitMs: number;
}

/** As the configuration has them. */
export interface OnlineSettings {
  readonly online: "on" | "off";
  readonly onlineShare: number;
  readonly onlineMaxRuns: number;
  readonly onlineMaxCandidates: number;
  readonly onlineWaitMs: number;
}

export function onlineSetting(settings: OnlineSettings): OnlineSetting | undefined {
  if (settings.online !== "on") return undefined;
  const { onlineShare: share, onlineMaxRuns: maxRuns, onlineMaxCandidates: maxCandidates, onlineWaitMs: waitMs } = settings;
  return { share, maxRuns, maxCandidates, waitMs } as OnlineSetting;
}
