import { expect, test } from "vitest";
import { digest } from "../../../src/base/id.ts";
import { BATCH_ANALYZER_PROMPT_VERSION, batchAnalyzerSystem, batchAnalyzerUser } from "../../../src/lesson/prompts/batch-analyzer.ts";
import { LLM_ANALYZER_PROMPT_VERSION, llmAnalyzerSystem, llmAnalyzerUser } from "../../../src/lesson/prompts/llm-analyzer.ts";

const ITEM = {
  id: "abcdef12-0000-4000-8000-000000000000",
  type: "skill",
  content: "Quote it.",
  appliesWhen: "a query",
  status: "active",
} as const;

// A lesson says by which words it was asked for. Words that change under the same version would make two kinds of lessons one: raise the version, then put the new digest here.
test.each([
  ["llm-analyzer-2", LLM_ANALYZER_PROMPT_VERSION, [llmAnalyzerSystem("n"), llmAnalyzerUser("n", "run", [ITEM])], "c62701f6fe89045b"],
  [
    "batch-analyzer-1",
    BATCH_ANALYZER_PROMPT_VERSION,
    [batchAnalyzerSystem("n", 3), batchAnalyzerUser("n", [{ number: 1, text: "a" }], [{ number: 2, text: "b" }], [ITEM])],
    "81beebcda0533292",
  ],
])("%s is the version of these very words", (version, declared, words, known) => {
  expect([declared, digest(words, 16)]).toEqual([version, known]);
});
