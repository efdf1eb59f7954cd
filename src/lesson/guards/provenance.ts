import { ALLOW, type Guard, quarantine, refuse } from "./guard.ts";

/** Every lesson says which runs it was read from, and those can be read. What came in a file has none here, and waits for a person by its taint. */
export const provenanceGuard: Guard = {
  name: "provenance",
  check: ({ lesson, sources, missing }) => {
    if (lesson.taint.includes("imported") && lesson.sourceTraceIds.length === 0) return ALLOW;
    if (lesson.sourceTraceIds.length === 0) return refuse("names no source trace");
    if (sources.length > 0 || missing.length === 0) return ALLOW;
    return quarantine(`was read from ${missing.length} ${missing.length === 1 ? "run" : "runs"}, none of which is stored`);
  },
};
