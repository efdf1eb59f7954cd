/**
 * Whether the right rule is found: 150 rules and 450 tasks written by hand (test/fixtures/retrieval), a third of them sharing no content word with their
 * rule and a third needing none. The ranking by words and vectors together against either alone, through the index that answers getKnowledge; the table
 * of the package against the encoder it was distilled from; and how often a task that needs no rule is given nothing, with the floor that is in use.
 */
import { rankingQuality, readRetrievalSet, readTeacher, ruleText } from "../retrieval-set.mjs";
import { builtModule } from "../stored-spans.mjs";

export const name = "knowledge.quality";
export const unit = "";
export const target = { op: ">=", value: 0.9 };

const LIMIT = 10;
const NO_COUNTS = { given: 0, givenSuccess: 0, withheld: 0, withheldSuccess: 0 };

export async function run() {
  const { openStaticModel } = await builtModule("src/embedding/static-model.js");
  const { relevant } = await builtModule("src/retrieval/relevance.js");
  const model = await openStaticModel();
  const set = readRetrievalSet();
  const vectorOf = (text) => model.embedNow(text);
  const everything = (words, byWords, byVectors, cosineOf) => ({ ...relevant(words, byWords, byVectors, cosineOf), byVectors });
  const ranked = {
    hybrid: await createIndex({ set, model, floor: everything }),
    words: await createIndex({ set, floor: (_words, byWords) => ({ byWords, byVectors: [] }) }),
    vectors: await createIndex({ set, model, floor: (_words, _byWords, byVectors) => ({ byWords: [], byVectors }) }),
    inUse: await createIndex({ set, model, floor: relevant }),
  };
  const quality = Object.fromEntries(Object.entries(ranked).map(([kind, search]) => [kind, qualityOf(set, search)]));
  const teacher = readTeacher();
  const ofTeacher = rankingQuality(set, teacher.rules, teacher.tasks);
  const ofTable = rankingQuality(
    set,
    set.rules.map((rule) => vectorOf(ruleText(rule))),
    set.tasks.map(({ text }) => vectorOf(text)),
  );
  const needed = set.tasks.filter(({ rule }) => rule !== null).length;
  const beside = (of, measure, peer) => ({
    part: `${measure}-${peer}`,
    value: quality[of][measure] - quality[peer][measure],
    target: { op: ">=", value: 0.001 },
    n: needed,
    peer: `${peer} alone`,
    peerValue: short(quality[peer][measure]),
    note: `${measure === "ndcg10" ? "nDCG@10" : "recall@5"} of words and vectors together, ${short(quality[of][measure])}, above it`,
  });
  return [
    beside("hybrid", "ndcg10", "words"),
    beside("hybrid", "ndcg10", "vectors"),
    beside("hybrid", "recall5", "words"),
    beside("hybrid", "recall5", "vectors"),
    {
      part: "table",
      value: ofTable.ndcg10 / ofTeacher.ndcg10,
      n: needed,
      peer: teacher.model,
      peerValue: short(ofTeacher.ndcg10),
      note: `nDCG@10 of the static table, ${short(ofTable.ndcg10)}, as a share of its teacher's`,
    },
    {
      part: "nothing",
      value: quality.inUse.nothing,
      n: set.tasks.length - needed,
      note: `tasks that need no rule and are given none, with the floor in use; chosen on this set. With it nDCG@10 is ${short(quality.inUse.ndcg10)} and recall@5 ${short(quality.inUse.recall5)}`,
    },
  ];
}

/** A search over all rules: `(text) => ids`, best first. */
async function createIndex({ set, model, floor }) {
  const { createKnowledgeIndex } = await builtModule("src/retrieval/knowledge-index.js");
  const { createVectorTable } = await builtModule("src/retrieval/vector-table.js");
  const index = createKnowledgeIndex({ floor });
  const table = model === undefined ? undefined : createVectorTable(model.dimensions);
  if (table !== undefined) index.follow(table);
  for (const rule of set.rules) {
    const item = {
      id: rule.id,
      type: "skill",
      content: rule.content,
      appliesWhen: rule.applies_when,
      priority: "normal",
      status: "active",
    };
    const stored = { ...item, createdAtUs: 1, counts: NO_COUNTS };
    index.put(stored);
    table?.set(index.slotOf(stored), model.embedNow(ruleText(rule)));
  }
  if (table !== undefined) index.searchBy(table, model);
  return (text) => index.search(text, LIMIT, {}, model?.embedNow(text)).map(({ id }) => id);
}

/** With one right rule at rank r the nDCG@10 of a task is 1 / log2(r + 1), or 0 beyond the tenth (Järvelin & Kekäläinen 2002). */
function qualityOf(set, search) {
  let [ndcg, recalled, needed, nothing] = [0, 0, 0, 0];
  for (const { text, rule } of set.tasks) {
    const found = search(text);
    if (rule === null) nothing += found.length === 0 ? 1 : 0;
    else {
      const rank = found.indexOf(rule) + 1;
      needed += 1;
      if (rank > 0) ndcg += 1 / Math.log2(rank + 1);
      if (rank > 0 && rank <= 5) recalled += 1;
    }
  }
  return { ndcg10: ndcg / needed, recall5: recalled / needed, nothing: nothing / (set.tasks.length - needed) };
}

function short(value) {
  return Number(value.toPrecision(3));
}
