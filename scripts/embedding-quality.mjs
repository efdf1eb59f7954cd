/**
 * Writes assets/embedding/QUALITY.md: how well the shipped table finds the rule for a task, beside the transformer it was fitted to. Nothing in it
 * depends on the machine. After a change of the table: npm run build && node scripts/embedding-quality.mjs
 */
import { writeFile } from "node:fs/promises";
import { openStaticModel } from "../dist/src/embedding/static-model.js";
import { rankingQuality, readRetrievalSet, readTeacher, ruleText } from "../test/bench/retrieval-set.mjs";

const set = readRetrievalSet();
const teacher = readTeacher();
const model = await openStaticModel();
const table = { rules: await model.embed(set.rules.map(ruleText)), tasks: await model.embed(set.tasks.map(({ text }) => text)) };

const kinds = [
  ["all that need a rule", undefined],
  ["sharing a content word with their rule", "some"],
  ["sharing none", "none"],
];
const rows = kinds.map(([label, overlap]) => {
  const ours = rankingQuality(set, table.rules, table.tasks, overlap);
  const best = rankingQuality(set, teacher.rules, teacher.tasks, overlap);
  const share = ((100 * ours.ndcg10) / best.ndcg10).toFixed(1);
  const cells = [
    label,
    ours.tasks,
    ours.ndcg10.toFixed(3),
    best.ndcg10.toFixed(3),
    `${share} %`,
    ours.recall5.toFixed(3),
    best.recall5.toFixed(3),
  ];
  return `| ${cells.join(" | ")} |`;
});
const separation = [table, teacher].map(({ rules, tasks }) => rankingQuality(set, rules, tasks).separation.toFixed(3));

const page = `# Quality of the embedding table

Table: \`${model.id}\`, ${model.dimensions} dimensions, int8. Teacher: ${teacher.model}, ${teacher.dimensions} dimensions. Written by
\`scripts/embedding-quality.mjs\`.

The set is \`test/fixtures/retrieval/rules-and-tasks.jsonl\` of the repository: ${set.rules.length} rules and ${set.tasks.length} tasks, written by hand before any table was
fitted and not changed since. Loss and texts of the fit were chosen among six variants whose scores on this set were seen beside those on held-out texts,
so the figures flatter a little. Every task is ranked against all rules by cosine; one rule is right for it, or none.

| tasks | n | table nDCG@10 | teacher nDCG@10 | share | table recall@5 | teacher recall@5 |
| --- | --- | --- | --- | --- | --- | --- |
${rows.join("\n")}

Chance that a task that needs a rule has a higher best cosine than one that needs none: table ${separation[0]}, teacher ${separation[1]}.

What to read from it: where task and rule share words the table is as good as its teacher; where they share none it is far behind it, so a ranking
should not rest on the table alone.
`;
await writeFile(new URL("../assets/embedding/QUALITY.md", import.meta.url), page);
