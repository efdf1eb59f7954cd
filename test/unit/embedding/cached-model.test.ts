import { describe, expect, test } from "vitest";
import { createCachedModel } from "../../../src/embedding/cached-model.ts";
import { createFunctionModel } from "../../../src/embedding/function-model.ts";

function counting() {
  const asked: string[][] = [];
  const model = createFunctionModel({
    id: "counting/1",
    dimensions: 1,
    embed: (texts) => {
      asked.push([...texts]);
      return texts.map((text) => [text.length]);
    },
  });
  return { model, asked };
}

describe("a cached model", () => {
  test("asks for each text once, within a call and over calls", async () => {
    const { model, asked } = counting();
    const cached = createCachedModel(model);
    await cached.embed(["a", "b", "a"]);
    const vectors = await cached.embed(["b", "c"]);
    expect(asked).toEqual([["a", "b"], ["c"]]);
    expect(vectors).toHaveLength(2);
  });

  test("forgets the text that was not asked for the longest", async () => {
    const { model, asked } = counting();
    const cached = createCachedModel(model, { maxTexts: 2 });
    for (const text of ["a", "b", "a", "c", "a", "b"]) await cached.embed([text]);
    expect(asked.flat()).toEqual(["a", "b", "c", "b"]);
  });

  test("answers one call with more texts than it keeps", async () => {
    const cached = createCachedModel(counting().model, { maxTexts: 1 });
    expect(await cached.embed(["a", "b", "a"])).toEqual([Float32Array.of(1), Float32Array.of(1), Float32Array.of(1)]);
  });

  test("does not keep long texts", async () => {
    const { model, asked } = counting();
    const cached = createCachedModel(model, { maxTextLength: 3 });
    await cached.embed(["long text"]);
    await cached.embed(["long text"]);
    expect(asked).toHaveLength(2);
  });

  test("gives vectors that the caller may change", async () => {
    const cached = createCachedModel(counting().model);
    for (const vector of await cached.embed(["a"])) vector.fill(9);
    expect(await cached.embed(["a"])).toEqual([Float32Array.of(1)]);
  });

  test("remembers nothing of a call that failed", async () => {
    let fails = true;
    const cached = createCachedModel(
      createFunctionModel({
        id: "flaky/1",
        dimensions: 1,
        embed: () => {
          if (fails) throw new Error("down");
          return [[1]];
        },
      }),
    );
    await expect(cached.embed(["a"])).rejects.toMatchObject({ code: "internal" });
    fails = false;
    expect(await cached.embed(["a"])).toEqual([Float32Array.of(1)]);
  });
});
