import { describe, expect, test } from "vitest";
import { taskWords } from "../../../src/lesson/task-words.ts";

describe("taskWords", () => {
  test("keeps the words that several tasks share, most common first", () => {
    const words = taskWords([
      "Which driver won the race in Spa?",
      "Which driver finished the race second?",
      "How many points did the driver get?",
    ]);
    expect(words).toEqual(["driver", "race"]);
  });

  test("leaves out names, numbers and stop words, so that no value of a user becomes a condition", () => {
    expect(taskWords(["Where does Ann Smith live in 2019, and what is account AB12 worth?"])).toEqual(["account", "live", "worth"]);
  });

  test("the same task many times counts once", () => {
    expect(taskWords(["odd thing", "odd thing", "odd thing"])).toEqual(["odd", "thing"]);
  });

  test("keeps at most the limit", () => {
    expect(taskWords(["red green blue pink"], 2)).toEqual(["blue", "green"]);
  });
});
