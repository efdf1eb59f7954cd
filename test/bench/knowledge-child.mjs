/**
 * One size of knowledge.latency in a process of its own, with --expose-gc: argv[2] is JSON { store, peer, count, tasks, compared, seed }. Prints one JSON
 * line. The process is an agent's: it opens the store through its thread, asks as `getKnowledge` does, and is left without its store in the end.
 */
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { makeCorpus, openBenchModel } from "./knowledge-corpus.mjs";
import { idOf } from "./knowledge-store.mjs";
import { openNaiveSearch } from "./peers/naive-search.mjs";
import { quantile } from "./statistics.mjs";
import { builtModule } from "./stored-spans.mjs";

const options = JSON.parse(process.argv[2]);
const MIB = 1024 * 1024;
const alive = setInterval(() => {}, 1 << 30);
const [
  { openWriter },
  { createKnowledgeIndex },
  { createVectorTable },
  { createKnowledgeReplica },
  { createKnowledgeClient },
  { injectionFrom },
  { loadConfig },
  { searchWords },
] = await Promise.all(
  [
    "src/store/open.js",
    "src/retrieval/knowledge-index.js",
    "src/retrieval/vector-table.js",
    "src/retrieval/replica.js",
    "src/agent/knowledge-client.js",
    "src/compose/injection-from.js",
    "src/config/load-config.js",
    "src/base/search-words.js",
  ].map(builtModule),
);
const { tasks } = makeCorpus({ count: options.count, tasks: options.tasks, seed: options.seed });
const model = await openBenchModel();
// The model is no part of what 100,000 items take, and its first call compiles it.
for (const task of tasks.slice(0, 50)) model.embedNow(task);
globalThis.gc();
const rssBefore = process.memoryUsage().rss;

const writer = openWriter({ url: options.store, name: "figures", ingest: "on-demand" });
const copy = createKnowledgeReplica({ feed: writer.store, search: writer.store, vectors: writer.store, model: async () => model });
const client = createKnowledgeClient({ source: injectionFrom({ search: copy }, loadConfig({ env: {} })) });

const first = await timed(() => client.getKnowledge(tasks[0]));
const loading = performance.now();
await copy.refresh();
await copy.refresh();
while (copy.status().model !== model.id) await sleep(5);
const readyMs = performance.now() - loading + first.ms;
globalThis.gc();
await sleep(50);
globalThis.gc();
const rssMiB = (process.memoryUsage().rss - rssBefore) / MIB;

// Warm: the compiler has seen every path.
for (const task of tasks.slice(0, 100)) await client.getKnowledge(task);
const latencies = [];
let empty = 0;
for (const task of tasks) {
  const { ms, value } = await timed(() => client.getKnowledge(task));
  latencies.push(ms);
  if (value === "") empty += 1;
}

const search = openNaiveSearch(options.peer);
const naive = (task) => search(searchWords(task), model.embedNow(task));
naive(tasks[0]);
const both = tasks.slice(0, options.compared);
const compared = await byTurns(10, 1);
const alternating = await byTurns(1, 0);
const answers = both.map((task) => naive(task).map(idOf));

const agreement = await agreementWith(answers);

await writer.close();
const gone = [];
for (let round = 0; round < 5; round += 1) {
  const { ms, value } = await timed(() => client.getKnowledge(tasks[round]));
  gone.push({ ms, empty: value === "" });
  await sleep(1_050);
}
process.stdout.write(
  `${JSON.stringify({
    model: model.id,
    firstMs: first.ms,
    firstIsEmpty: first.value === "",
    readyMs,
    rssMiB,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    max: Math.max(...latencies),
    empty,
    compared,
    alternating,
    agreement,
    gone,
  })}\n`,
);
clearInterval(alive);
process.exit(0);

async function timed(work) {
  const began = performance.now();
  const value = await work();
  return { ms: performance.now() - began, value };
}

/**
 * Both sides answer the same tasks, a block of them each in turn, so that what disturbs the machine disturbs both. The first `uncounted` calls of a block fill
 * the processor's caches again: the peer reads every vector and posting there is, and leaves nothing of ours in them.
 */
async function byTurns(block, uncounted) {
  const sides = { ours: (task) => client.getKnowledge(task), peer: async (task) => naive(task) };
  const times = { ours: [], peer: [] };
  for (let from = 0; from < both.length; from += block) {
    for (const [name, ask] of Object.entries(sides)) {
      for (let call = 0; call < uncounted; call += 1) await ask(both[from]);
      for (const task of both.slice(from, from + block)) times[name].push((await timed(() => ask(task))).ms);
    }
  }
  return times;
}

/** How many of the peer's best ten are ours too. The peer has no floor of relevance, so here we have none. */
async function agreementWith(expected) {
  const index = createKnowledgeIndex({
    floor: (_words, byWords, byVectors) => ({ byWords, byVectors }),
  });
  const table = createVectorTable(model.dimensions);
  for (let since = 0, more = true; more; ) {
    const page = await writer.store.knowledgeChanges(since, 1_000);
    for (const { item } of page.changes) index.put(item);
    const ids = page.changes.map(({ id }) => id);
    for (const { itemId, vector } of await writer.store.itemVectors(model.id, ids)) table.set(index.slotOf(index.get(itemId)), vector);
    ({ seq: since, more } = page);
  }
  index.searchBy(table, model);
  let shared = 0;
  let all = 0;
  for (const [at, ids] of expected.entries()) {
    const ours = new Set(index.search(tasks[at], 10, {}, model.embedNow(tasks[at])).map(({ id }) => id));
    all += ids.length;
    shared += ids.filter((id) => ours.has(id)).length;
  }
  return { shared, all };
}
