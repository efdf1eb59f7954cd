import { describe, expect, test } from "vitest";
import { LearnError } from "../../../src/base/error.ts";
import { createFunctionModel } from "../../../src/embedding/function-model.ts";

const model = (embed: Parameters<typeof createFunctionModel>[0]["embed"], dimensions = 2) =>
  createFunctionModel({ id: "mine/1", dimensions, embed });

describe("a function as a model", () => {
  test("brings what it gives to unit length", async () => {
    expect(await model(() => [[3, 4]]).embed(["a"])).toEqual([Float32Array.of(0.6, 0.8)]);
  });

  test("keeps unit length where squares would overflow or vanish", async () => {
    const vectors = await model((texts) => texts.map((text) => (text === "big" ? [1e300, 1e300] : [1e-300, 0]))).embed(["big", "small"]);
    expect(vectors).toEqual([Float32Array.of(Math.SQRT1_2, Math.SQRT1_2), Float32Array.of(1, 0)]);
  });

  test("is not asked for blank texts, which get the zero vector in their place", async () => {
    const asked: (readonly string[])[] = [];
    const vectors = await model((texts) => {
      asked.push(texts);
      return texts.map((_, index) => [index + 1, 0]);
    }).embed(["", "a", " \n", "b"]);
    expect(asked).toEqual([["a", "b"]]);
    expect(vectors.map((vector) => vector[0])).toEqual([0, 1, 0, 1]);
  });

  test("is not called at all when there is nothing to embed", async () => {
    const never = model(() => {
      throw new Error("called");
    });
    expect(await never.embed(["", " "])).toEqual([new Float32Array(2), new Float32Array(2)]);
    expect(await never.embed([])).toEqual([]);
  });

  const wrong: readonly (readonly [string, unknown, RegExp])[] = [
    ["too few vectors", [[1, 0]], /gave 1 vectors for 2 texts/],
    ["no list", { a: 1 }, /gave no list of vectors/],
    [
      "another length",
      [
        [1, 0],
        [1, 0, 0],
      ],
      /a vector of 3 numbers, not 2/,
    ],
    [
      "NaN",
      [
        [1, 0],
        [1, Number.NaN],
      ],
      /holds no number at 1/,
    ],
    [
      "text for a number",
      [
        [1, 0],
        ["1", 0],
      ],
      /holds no number at 0/,
    ],
  ];
  test.each(wrong)("that gives %s rejects invalid", async (_what, answer, message) => {
    const broken = model(() => answer as number[][]);
    await expect(broken.embed(["a", "b"])).rejects.toMatchObject({ code: "invalid", message: expect.stringMatching(message) });
  });

  test("that throws rejects internal with its message, a LearnError unchanged", async () => {
    await expect(model(() => Promise.reject(new Error("no such model"))).embed(["a"])).rejects.toMatchObject({
      code: "internal",
      message: "the embedding function mine/1 failed: no such model",
    });
    const error = new LearnError("unavailable", "busy");
    await expect(model(() => Promise.reject(error)).embed(["a"])).rejects.toBe(error);
  });

  test("rejects cancelled before and during the call", async () => {
    await expect(model(() => [[1, 0]]).embed(["a"], AbortSignal.abort())).rejects.toMatchObject({ code: "cancelled" });
    const controller = new AbortController();
    const waiting = model(
      (_, signal) => new Promise((_resolve, reject) => signal?.addEventListener("abort", () => reject(signal.reason))),
    ).embed(["a"], controller.signal);
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: "cancelled" });
  });

  test.each([0, -1, 1.5, Number.NaN])("cannot have %d dimensions", (dimensions) => {
    expect(() => model(() => [], dimensions)).toThrow(/whole number from 1/);
  });

  test("needs an id", () => {
    expect(() => createFunctionModel({ id: " ", dimensions: 2, embed: () => [] })).toThrow(/has no id/);
  });
});
