import { expect, test } from "vitest";
import { excludeOwnTasks } from "../../../src/knowledge/own-tasks.ts";

const TASK = "List every invoice of March 2026 that is above 500 euros";

test.each([
  ["the same words in another case and spacing", TASK.toUpperCase().replaceAll(" ", "\n ")],
  ["the same words in another order, with other marks", "above 500 euros: list every invoice that is of March 2026!"],
  // Spans of a bare client carry the whole prompt as the task; the question in it was not recognised, and stayed among the held-out cases.
  ["a question that the source has inside a longer prompt", `${TASK}?`, `You are an accountant.\n\nQuestion: ${TASK}. Answer briefly.`],
])("leaves out %s", (_what, task, source = TASK) => {
  expect(excludeOwnTasks([{ task }], [source])).toEqual([]);
});

test.each([
  ["one other number", TASK.replace("500", "900")],
  ["another question", "How many invoices are there?"],
  ["more words than the source", `${TASK} or below 100 euros and not yet paid by anybody`],
  ["an end in the middle of a word of the source", TASK.slice(0, -1)],
])("keeps a task with %s", (_what, task) => {
  expect(excludeOwnTasks([{ task }], [TASK])).toEqual([{ task }]);
});

test("compares tasks without any word as they are", () => {
  expect(excludeOwnTasks([{ task: "☂ ?" }, { task: "☀ ?" }], ["☂  ?"])).toEqual([{ task: "☀ ?" }]);
});
