import { expect, test } from "vitest";
import { excludeOwnTasks } from "../../../src/knowledge/own-tasks.ts";

const TASK = "List every invoice of March 2026 that is above 500 euros";

test.each([
  ["the same words in another case and spacing", TASK.toUpperCase().replaceAll(" ", "\n ")],
  ["the same words in another order, with other marks", "above 500 euros: list every invoice that is of March 2026!"],
])("leaves out %s", (_what, task) => {
  expect(excludeOwnTasks([{ task }], [TASK])).toEqual([]);
});

test.each([
  ["one other number", TASK.replace("500", "900")],
  ["another question", "How many invoices are there?"],
])("keeps a task with %s", (_what, task) => {
  expect(excludeOwnTasks([{ task }], [TASK])).toEqual([{ task }]);
});

test("compares tasks without any word as they are", () => {
  expect(excludeOwnTasks([{ task: "☂ ?" }, { task: "☀ ?" }], ["☂  ?"])).toEqual([{ task: "☀ ?" }]);
});
