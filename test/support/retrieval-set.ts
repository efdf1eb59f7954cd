interface RetrievalRule {
  readonly id: string;
  readonly domain: string;
  readonly content: string;
  readonly applies_when: string;
}
interface RetrievalTask {
  readonly id: string;
  readonly text: string;
  readonly rule: string | null;
  readonly overlap: "some" | "none";
}
interface RetrievalSet {
  readonly rules: readonly RetrievalRule[];
  readonly tasks: readonly RetrievalTask[];
}
interface RankingQuality {
  readonly tasks: number;
  readonly ndcg10: number;
  readonly recall5: number;
  readonly separation: number;
}
interface RetrievalModule {
  readRetrievalSet(): RetrievalSet;
  ruleText(rule: RetrievalRule): string;
  readTeacher(): {
    readonly model: string;
    readonly dimensions: number;
    readonly rules: readonly Float32Array[];
    readonly tasks: readonly Float32Array[];
  };
  rankingQuality(
    set: RetrievalSet,
    ruleVectors: readonly Float32Array[],
    taskVectors: readonly Float32Array[],
    overlap?: "some" | "none",
  ): RankingQuality;
  sharedWords(left: string, right: string): readonly string[];
}

/** test/bench/retrieval-set.mjs with its types: the figure and the report run on plain Node and share it with the tests. */
export async function loadRetrievalSet(): Promise<RetrievalModule> {
  return (await import(new URL("../bench/retrieval-set.mjs", import.meta.url).href)) as RetrievalModule;
}
