import type { Brain } from "../../src/testing/chat.ts";

/** See judge-model.mjs. */
export function judgeBrain(options?: {
  /** Nothing in the run is data to it. */
  readonly readsThroughMarks?: boolean;
  /** In a comparison it takes what stands first. */
  readonly prefersFirst?: boolean;
}): Brain;
