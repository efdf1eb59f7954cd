/**
 * Whether trials on live runs decide as they promise, in simulated worlds (test/bench/online-worlds.json) with the default settings (a share of 10 %, 500 answers, alpha 0.05,
 * a gain of 5 points), by the code that decides, looked at after every run.
 *
 * A world gives the success rate of the runs without the item, which may drift, and the lift with it; `plusMinus` lifts half of the tasks by as much as it lowers the others.
 * nothing*: streams of 20 candidates that change nothing, one after the other, each at its place in the stream of tests; the share of streams in which any is promoted.
 * Beside it a one-sided z-test at 5 % for each candidate that is looked at every hundred runs.
 * help, harm: one candidate at the first place; the share that is promoted, or stopped before its answers are used up, and the median number of runs, and of answers that held it, until then.
 * answers, share: eight processes that ask for knowledge forty thousand times, with the injector, the desks and the store; answers that held the item, of 500
 * there may be, and the share of the matching runs that did while there were any.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRandom, quantile } from "../statistics.mjs";
import { builtModule } from "../stored-spans.mjs";

export const name = "gate.online";
export const unit = "share";
export const target = { op: "<=", value: 0.05 };

const [SHARE, MOST_ANSWERS, ALPHA, MINIMUM_GAIN] = [0.1, 500, 0.05, 0.05];
const CANDIDATES = 20;
const STREAMS = 300;
const SINGLES = 1_000;
const [QUICK_STREAMS, QUICK_SINGLES] = [10, 40];
const Z = 1.6449;
const PEEK_EVERY = 100;
/** Solving for an end of the interval costs as much as fifty runs; being given up later only costs runs here. */
const FUTILE_EVERY = 50;
// One score, at most 1 in size, moves the capital of the largest bet by 1.96 at most: until then a look cannot change anything.
const MOST_A_RUN = Math.log(1.96);
const NEVER = Number.POSITIVE_INFINITY;

export async function run({ quick, seed }) {
  const code = {
    ...(await builtModule("src/knowledge/decide-online.js")),
    ...(await builtModule("src/stats/effect-sequence.js")),
    ...(await builtModule("src/stats/online-level.js")),
  };
  const worlds = JSON.parse(await readFile(new URL("../online-worlds.json", import.meta.url), "utf8"));
  const rows = [];
  for (const [index, world] of worlds.entries()) {
    const random = createRandom(seed * 1_000 + index);
    if (world.lift === 0) rows.push(streamsRow(world, quick ? QUICK_STREAMS : STREAMS, random, code));
    else rows.push(...singleRows(world, quick ? QUICK_SINGLES : SINGLES, random, code));
  }
  return [...rows, ...(await answerRows(quick ? 12_000 : 40_000, seed))];
}

function streamsRow(world, streams, random, code) {
  const ends = new Map();
  let [falsely, peerFalsely] = [0, 0];
  for (let stream = 0; stream < streams; stream += 1) {
    let [passedBefore, peerPassed] = [0, false];
    for (let position = 1; position <= CANDIDATES; position += 1) {
      const units = unitsOf(world, random);
      const { why } = decided(units, { position, passedBefore }, code);
      ends.set(why, (ends.get(why) ?? 0) + 1);
      if (why === "helps") passedBefore += 1;
      peerPassed ||= peekedAt(units);
    }
    falsely += Number(passedBefore > 0);
    peerFalsely += Number(peerPassed);
  }
  const shares = [...ends].map(([why, count]) => `${why} ${((100 * count) / streams / CANDIDATES).toFixed(1)} %`).sort();
  const note = `streams of ${CANDIDATES} useless candidates with any promoted; each ends: ${shares.join(", ")}`;
  return {
    part: world.part,
    value: falsely / streams,
    n: streams,
    peer: "z-test every 100 runs",
    peerValue: Math.round((1_000 * peerFalsely) / streams) / 1_000,
    note,
  };
}

function singleRows(world, count, random, code) {
  // Given up as worth too little is stopped too, and comes first where the harm is small.
  const wanted = world.lift > 0 ? ["helps"] : ["harms", "futile"];
  const seen = Array.from({ length: count }, () => decided(unitsOf(world, random), { position: 1, passedBefore: 0 }, code));
  const right = seen.filter(({ why }) => wanted.includes(why));
  const wrong = seen.filter(({ why }) => why === (world.lift > 0 ? "harms" : "helps")).length;
  const middle = (key) =>
    quantile(
      seen.map((one) => (wanted.includes(one.why) ? one[key] : NEVER)),
      0.5,
    );
  const worst = quantile(
    seen.map(({ exposures }) => exposures),
    0.95,
  );
  const done = world.lift > 0 ? "promoted" : "stopped";
  const forHarm = seen.filter(({ why }) => why === "harms").length;
  const most = world.part === "harm-20" ? { op: "<=", value: 40 } : null;
  const other = world.lift > 0 ? `${wrong} stopped for harm` : `${forHarm} for harm, ${wrong} promoted`;
  return [
    {
      part: world.part,
      value: right.length / count,
      n: count,
      target: { op: ">=", value: 0.8 },
      note: `${done} within ${MOST_ANSWERS} answers; ${other}`,
    },
    { part: `${world.part}.runs`, value: middle("runs"), n: count, unit: "runs", target: null, note: `median matching runs until ${done}` },
    {
      part: `${world.part}.answers`,
      value: middle("exposures"),
      n: count,
      unit: "answers",
      target: most,
      note: `median answers that held it until then; 95 of 100 trials end within ${worst}`,
    },
  ];
}

/** [stratum, given, success, unit] until the answers are used up. */
function unitsOf(world, random) {
  const units = [];
  for (let given = 0; given < MOST_ANSWERS; ) {
    const isGiven = random() < SHARE;
    const both = world.plusMinus ?? 0;
    const lift = world.lift + (both === 0 ? 0 : random() < 0.5 ? both : -both);
    const success = random() < baseAt(world.base, units.length) + (isGiven ? lift : 0);
    units.push([0, isGiven ? 1 : 0, success ? 1 : 0, `${units.length}`]);
    given += Number(isGiven);
  }
  return units;
}

function baseAt([from, to], run) {
  return to === undefined ? from[1] : from[1] + ((to[1] - from[1]) * Math.min(run, to[0])) / to[0];
}

/** The first run after which the code that decides has a verdict. A sequence that goes along says when that may be; that it has none before is checked now and then. */
function decided(units, place, { lookAtOnline, HARM_ALPHA, createEffectSequence, eLondLevel }) {
  const level = eLondLevel(eLondLevel(ALPHA, place.position, place.passedBefore), 1, 0);
  const [helpful, harmful] = [Math.log(1 / level), Math.log(1 / HARM_ALPHA)];
  const strata = [{ model: "m", probabilityGiven: SHARE }];
  const look = (runs, exposures) => {
    const settings = { alpha: ALPHA, ...place, minimumGain: MINIMUM_GAIN, maxRuns: MOST_ANSWERS, harmAlpha: HARM_ALPHA };
    return lookAtOnline({ ...settings, strata, units: units.slice(0, runs), exposures, granted: exposures }).verdict;
  };
  const sequence = createEffectSequence();
  let [exposures, nextLook] = [0, 0];
  for (const [index, [, given, success]] of units.entries()) {
    sequence.add({ given: given === 1, probabilityGiven: SHARE, success: success === 1 });
    exposures += given;
    const runs = index + 1;
    const atFutile = runs % FUTILE_EVERY === 0 && sequence.interval(0.1).upper < MINIMUM_GAIN;
    let may = atFutile || runs === units.length;
    if (runs >= nextLook) {
      const { helps, harms } = sequence.logEvidence();
      may ||= harms >= harmful || (helps >= helpful && sequence.lift() >= MINIMUM_GAIN);
      nextLook = runs + Math.max(1, Math.ceil(Math.min(helpful - helps, harmful - harms) / MOST_A_RUN));
    }
    if (!may) continue;
    const verdict = look(runs, exposures);
    if (verdict === undefined) throw new Error(`no verdict after ${runs} runs, where the sequence has one`);
    if (verdict.why !== "spent" && index > 0) {
      const before = look(index, exposures - given);
      // Giving up is looked for now and then only.
      if (before !== undefined && before.why !== "futile") throw new Error(`"${before.why}" after ${index} runs already`);
    }
    return { why: verdict.why, runs, exposures };
  }
  throw new Error("it never ended");
}

/** Whether a plain test, looked at as it goes, calls it better at any look. */
function peekedAt(units) {
  const counts = [0, 0];
  const successes = [0, 0];
  for (const [index, [, given, success]] of units.entries()) {
    counts[given] += 1;
    successes[given] += success;
    if ((index + 1) % PEEK_EVERY !== 0 || counts[0] === 0 || counts[1] === 0) continue;
    const [withheld, with_] = [successes[0] / counts[0], successes[1] / counts[1]];
    const pooled = (successes[0] + successes[1]) / (counts[0] + counts[1]);
    const error = Math.sqrt(pooled * (1 - pooled) * (1 / counts[0] + 1 / counts[1]));
    if (error > 0 && (with_ - withheld) / error > Z) return true;
  }
  return false;
}

async function answerRows(questions, seed) {
  const folder = await mkdtemp(join(tmpdir(), "agentlearn-online-figure-"));
  const { openStore } = await builtModule("src/store/open.js");
  const store = await openStore({ url: `file:${join(folder, "a.db")}`, name: "figure", mode: "own", ingest: "on-demand" });
  try {
    return await askAll(store, questions, seed);
  } finally {
    await store.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Processes are stood for by what each of them has of its own: a copy of the knowledge and a desk. */
async function askAll(store, questions, seed) {
  const { onlineSetting } = await builtModule("src/knowledge/online-setting.js");
  const { startTrial } = await builtModule("src/knowledge/online-trial.js");
  const { createTrialDesk } = await builtModule("src/injection/trial-desk.js");
  const { withTrials } = await builtModule("src/injection/trial-injector.js");
  const { createSmartInjector } = await builtModule("src/injection/smart-injector.js");
  const { createKnowledgeReplica } = await builtModule("src/retrieval/replica.js");
  const setting = onlineSetting({ online: "on", onlineShare: SHARE, onlineMaxRuns: MOST_ANSWERS, onlineMaxCandidates: 1, onlineWaitMs: 0 });
  const words = {
    type: "skill",
    content: "Give every depth in metres.",
    appliesWhen: "a depth is asked for",
    tags: [],
    agentName: "harbour",
  };
  const lesson = {
    id: "figure",
    ...words,
    sourceTraceIds: ["run"],
    analyzer: "figure",
    confidence: 1,
    reasoning: "",
    taint: [],
    fingerprint: "f",
    createdAtUs: 1,
  };
  const { item } = await store.propose(lesson, "figure");
  const start = { setting, alpha: ALPHA, position: 1, passedBefore: 0, minimumGain: MINIMUM_GAIN, excluded: [], noteId: `trial-${seed}` };
  const begun = startTrial(item, { actor: "figure", atUs: 1 }, start);
  await store.saveItem(begun.item, begun.entry);
  const copies = Array.from({ length: 8 }, () => createKnowledgeReplica({ feed: store, search: store }));
  const askers = copies.map((copy) => ({
    injector: withTrials(createSmartInjector(), createTrialDesk({ setting, items: () => copy.trialItems(), rations: store })),
    sources: { search: copy },
  }));
  let [given, drawn] = [0, 0];
  for (let asked = 0; asked < questions; asked += askers.length) {
    const answers = await Promise.all(
      askers.map(({ injector, sources }, index) =>
        injector.inject(
          { task: "How deep is it?", agentName: "harbour", withholdProbability: 0.1, seed: `${seed}-${asked + index}` },
          sources,
        ),
      ),
    );
    // As in an agent, there is other work between two questions.
    await new Promise((resolve) => setImmediate(resolve));
    for (const { canary, text } of answers) {
      if (text.includes("in metres") !== (canary?.member === true)) throw new Error("the text and the record of a run differ");
      drawn += Number(canary !== undefined);
      given += Number(canary?.member === true);
    }
  }
  for (const copy of copies) copy.close();
  return [
    {
      part: "answers",
      value: given,
      n: questions,
      unit: "answers",
      target: { op: "<=", value: MOST_ANSWERS },
      note: `held the item, of ${MOST_ANSWERS} that may, in 8 processes`,
    },
    {
      part: "share",
      value: given / drawn,
      n: drawn,
      target: { op: "<=", value: SHARE + 4 * Math.sqrt((SHARE * (1 - SHARE)) / drawn) },
      note: "of the runs that were drawn for it; the target is the setting and four standard deviations",
    },
  ];
}
