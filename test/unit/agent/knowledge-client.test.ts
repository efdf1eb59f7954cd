import { describe, expect, test } from "vitest";
import { createKnowledgeClient, type InjectionSource } from "../../../src/agent/knowledge-client.ts";
import { createExposureLedger, withRun } from "../../../src/agent/run-context.ts";

const answer = { text: "BLOCK", given: [{ id: "a", type: "skill", content: "do" }], withheld: [{ id: "b" }], withholdProbability: 0.1 };
const source: InjectionSource = async () => answer;
const aRun = (fixedText?: string) => ({
  traceId: "ab".repeat(16),
  exposures: createExposureLedger(),
  ...(fixedText === undefined ? {} : { fixedText }),
});

describe("getKnowledge", () => {
  test("gives the text and writes the assignment into the run", async () => {
    const run = aRun();
    const text = await withRun(run, () => createKnowledgeClient({ source }).getKnowledge("task"));
    expect([text, run.exposures.total()]).toEqual(["BLOCK", { given: ["a"], withheld: ["b"], withholdProbability: 0.1 }]);
  });

  test("seeds the draw with the trace id of the run, so that one run stays in one arm", async () => {
    const seeds: string[] = [];
    const client = createKnowledgeClient({
      source: async ({ seed }) => {
        seeds.push(seed);
        return answer;
      },
    });
    await withRun(aRun(), async () => {
      await client.getKnowledge("one");
      await client.getKnowledge("two");
    });
    expect(seeds).toEqual(["ab".repeat(16), "ab".repeat(16)]);
  });

  test("answers a runner under test with the text under test and asks nobody", async () => {
    let asked = 0;
    const client = createKnowledgeClient({
      source: async () => {
        asked += 1;
        return answer;
      },
    });
    expect([await withRun(aRun("CANDIDATE"), () => client.getKnowledge("task")), asked]).toEqual(["CANDIDATE", 0]);
  });

  test("gives nothing when the source fails", async () => {
    const client = createKnowledgeClient({ source: () => Promise.reject(new Error("down")) });
    expect(await client.getKnowledge("task")).toBe("");
  });

  test("gives nothing when the source is late", async () => {
    const client = createKnowledgeClient({ source: () => new Promise(() => {}), timeoutMs: 20 });
    expect(await client.getKnowledge("task")).toBe("");
  });

  test("withKnowledge hands over items and text and returns the callback's result", async () => {
    const seen = await createKnowledgeClient({ source }).withKnowledge("task", ({ text, items }) => `${text} ${items.map(({ id }) => id)}`);
    expect(seen).toBe("BLOCK a");
  });

  test("a failure inside the withKnowledge callback is the caller's, not swallowed", async () => {
    const work = createKnowledgeClient({ source }).withKnowledge("task", () => {
      throw new Error("mine");
    });
    await expect(work).rejects.toThrow("mine");
  });
});
