/** Fills a store with active items that carry evidence and vectors, and the peer's file with the same, as fast as they go in. */
import { fillNaiveSearch } from "./peers/naive-search.mjs";
import { builtModule } from "./stored-spans.mjs";

/** Items are named by their place, so that both sides can be compared. */
export const idOf = (place) => `item-${String(place).padStart(7, "0")}`;

export async function fillStores({ store, peer, items, model }) {
  const [
    { openLocal },
    { openLibsqlDriver },
    { writeItem },
    { createVectorStore },
    { systemClock },
    { contentDigest },
    { embeddedText, embeddedDigest },
  ] = await Promise.all(
    [
      "src/store/open-local.js",
      "src/store/driver-libsql.js",
      "src/store/knowledge-row.js",
      "src/store/item-vectors.js",
      "src/base/clock.js",
      "src/knowledge/evidence.js",
      "src/retrieval/embedded-text.js",
    ].map(builtModule),
  );
  const vectors = items.map((item) => model.embedNow(embeddedText(item)));
  fillNaiveSearch(peer, items, vectors);
  // Makes the schema.
  const made = await openLocal({ path: store, role: "own", name: "figures", clock: systemClock });
  await made.close();
  const driver = openLibsqlDriver({ path: store });
  await driver.transaction(async (tx) => {
    // The gate compares what becomes active with what is: at 10,000 items that takes minutes, and measures nothing here.
    for (const [place, item] of items.entries()) await writeItem(tx, { ...itemOf(place, item, contentDigest), status: "candidate" });
    await tx.run("UPDATE knowledge SET status = 'active'");
  });
  const kept = createVectorStore(driver);
  for (let from = 0; from < items.length; from += 10_000) {
    const rows = items.slice(from, from + 10_000).map((item, offset) => ({
      itemId: idOf(from + offset),
      digest: embeddedDigest(item),
      vector: vectors[from + offset],
    }));
    await kept.saveItemVectors(model.id, rows);
  }
  await driver.close();
}

function itemOf(place, { content, appliesWhen }, contentDigest) {
  const id = idOf(place);
  const nowUs = 1_790_000_000_000_000 + place;
  return {
    id,
    type: "skill",
    content,
    appliesWhen,
    tags: [],
    priority: "normal",
    status: "active",
    sourceTraceIds: [`run-${place}`],
    analyzer: "figures",
    confidence: 0.5,
    taint: [],
    fingerprint: id,
    createdAtUs: nowUs,
    updatedAtUs: nowUs,
    version: 1,
    counts: { given: 0, givenSuccess: 0, withheld: 0, withheldSuccess: 0 },
    validation: {
      ...{ id: `v-${place}`, itemId: id, kind: "statistical", decision: "pass", reason: "9 wins", actor: "figures", createdAtUs: nowUs },
      ...{ cases: 9, baselinePassed: 0, candidatePassed: 9, wins: 9, losses: 0, gain: 1, eValue: 500, threshold: 20, alpha: 0.05 },
      ...{ alphaAllotted: 0.05, position: 1, passedBefore: 0, passScore: 0.7, minimumGain: 0.05, pairs: [] },
      contentDigest: contentDigest({ type: "skill", content }),
    },
  };
}
