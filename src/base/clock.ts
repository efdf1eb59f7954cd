/** Microseconds since the Unix epoch, UTC. Fits a double exactly until the year 2255. */
export type TimeUs = number;

/** Time comes in as an argument wherever it decides something, so that tests own it. */
export interface Clock {
  /** Wall clock, for what is stored. */
  nowUs(): TimeUs;
}

export const systemClock: Clock = { nowUs: () => Date.now() * 1000 };
