import { expect, test } from "vitest";
import { readQuestion } from "../../../src/testing/question-reading.ts";

test.each([
  ["How many wins does Mara Lindqvist have at Estoril Bay?", "count", "rows"],
  ["How many races were held at Bahia?", "count", "races"],
  ["How many points did the team Borealis score in 2019?", "sum", "points"],
  ["Did Mara Lindqvist ever win at Bahia?", "ever", "rows"],
  ["Who won at Bahia in 2019?", "lookup", "driver"],
  ["Which team won at Bahia on 05 Mar 2019?", "lookup", "team"],
  ["On which date was the race at Bahia in 2019?", "lookup", "date"],
  ["From which grid position did Mara Lindqvist start on 05 Mar 2019?", "lookup", "grid"],
  ["What was the lap count of the winner at Bahia in 2019?", "lookup", "laps"],
  ["Which driver scored the most points in 2019?", "most", "driver"],
])("knows what is asked: %s", (text, kind, wanted) => {
  expect(readQuestion(text)).toMatchObject({ kind, wanted });
});

test("reads every filter of a question", () => {
  expect(
    readQuestion("From which grid position did Mara Lindqvist start for Cobalt Racing at Estoril Bay on 05 Mar 2019?")?.filters,
  ).toEqual([
    { concept: "driver", operator: "=", value: "Mara Lindqvist" },
    { concept: "team", operator: "=", value: "Cobalt Racing" },
    { concept: "circuit", operator: "=", value: "Estoril Bay" },
    { concept: "date", operator: "=", value: "05 Mar 2019" },
  ]);
});

test("takes a season for a year and a podium for the first three", () => {
  expect(readQuestion("How many podiums did Zoë Aasen-Lund take in the 2019 season?")?.filters).toEqual([
    { concept: "driver", operator: "=", value: "Zoë Aasen-Lund" },
    { concept: "position", operator: "<=", value: 3 },
    { concept: "date", operator: "in-year", value: "2019" },
  ]);
});

test("keeps a team out of the driver and a driver out of the team", () => {
  expect(readQuestion("How many wins does the team Borealis have at Bahia?")?.filters.map((filter) => filter.concept)).toEqual([
    "team",
    "position",
    "circuit",
  ]);
  expect(readQuestion("How many wins does Mara Lindqvist have at Bahia?")?.filters.map((filter) => filter.concept)).toEqual([
    "driver",
    "position",
    "circuit",
  ]);
});

test("does not answer what is not about results", () => {
  expect(readQuestion("Tell me a joke about cats")).toBeUndefined();
  expect(readQuestion("")).toBeUndefined();
});
