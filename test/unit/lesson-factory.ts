import type { Lesson } from "../../src/lesson/lesson.ts";

export function aLesson(overrides: Partial<Lesson> = {}): Lesson {
  return {
    id: "lesson-1",
    type: "skill",
    content: "In run_sql, compare position with quoted text.",
    appliesWhen: "a run_sql query filters on position",
    tags: ["run_sql"],
    sourceTraceIds: ["t1"],
    analyzer: "test",
    confidence: 0.5,
    reasoning: "because",
    taint: ["model"],
    fingerprint: "f1",
    createdAtUs: 1,
    ...overrides,
  };
}
