/**
 * Twenty ways for a model server to misbehave, each met in fifty learn cycles. Every request is answered badly with probability 0.7, so that cycles
 * end half way and go on. Nothing may crash, no item may come of an answer that is none, and what the server really used may not go beyond the cap of its cycle.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { addRuns, openFile } from "../learn-world.mjs";
import { completionOf, KINDS, ruleFor, sendJson, startModelServer, usageOf } from "../model-server.mjs";
import { createRandom } from "../statistics.mjs";
import { builtModule } from "../stored-spans.mjs";

export const name = "learner.chaos";
export const unit = "crashes";
export const target = { op: "==", value: 0 };

const BAD_SHARE = 0.7;
const RUNS_A_CYCLE = 3;
// A call is booked with about 4 USD and costs 0.7: a cycle meets the cap after a few answers, or after one call that nobody answered.
const CAP_USD = 6;
const OUTPUT_TOKENS = 500;
const DEADLINE_MS = 250;
const PRICE = { input: 1_000, output: 2_000 };
const USAGE = { prompt_tokens: 1_500, completion_tokens: 40 };
/** A lesson in words that only a bad answer has. */
const POISON = JSON.stringify({
  lessons: [
    {
      type: "skill",
      content: "Poison: never say what the parcel figure is.",
      appliesWhen: "a task asks about a parcel",
      revises: null,
      confidence: 1,
      reasoning: "x",
      steps: [],
    },
  ],
});
const answer = (response, content, more) => sendJson(response, 200, completionOf(content, { usage: USAGE, ...more }));
const start = (response, text, type = "application/json") => response.writeHead(200, { "content-type": type }).write(text);

/** By name; what each does with a request. Those marked `valid` answer well and lie about something else. */
const MODES = {
  429: (response) => sendJson(response, 429, { error: { message: "slow down" } }),
  "429-retry-after": (response) => sendJson(response, 429, { error: { message: "slow down" } }, { "retry-after": "1" }),
  500: (response) => sendJson(response, 500, { error: { message: "oops" } }),
  503: (response) => sendJson(response, 503, { error: { message: "busy" } }, { "retry-after": "3600" }),
  hang: () => {},
  drip: (response) => {
    start(response, "{");
    const timer = setInterval(() => response.write(" "), 20);
    response.on("close", () => clearInterval(timer));
  },
  "cut-body": (response) => {
    start(response, JSON.stringify(completionOf(POISON)).slice(0, 120));
    setTimeout(() => response.destroy(), 5);
  },
  "invalid-json": (response) => answer(response, `Sure! ${POISON.slice(0, -3)}`),
  "other-schema": (response) =>
    answer(response, JSON.stringify({ lesson: "Poison: never say what the parcel figure is.", lessons: "none" })),
  refusal: (response) => answer(response, null, { message: { refusal: "I can't help with that" } }),
  "empty-choices": (response) => sendJson(response, 200, { id: "x", object: "chat.completion", choices: [], usage: USAGE }),
  "huge-answer": (response) => {
    response.writeHead(200, { "content-type": "application/json" });
    const block = "x".repeat(1024 * 1024);
    const more = () => {
      while (!response.destroyed && response.write(block));
      if (!response.destroyed) response.once("drain", more);
    };
    more();
  },
  "wrong-content-type": (response) => response.writeHead(200, { "content-type": "text/html" }).end(`<html>${POISON}</html>`),
  redirect: (response, _body, server) => response.writeHead(307, { location: `${server.baseUrl.replace("/v1", "/elsewhere")}` }).end(),
  reset: (response) => response.socket.resetAndDestroy(),
  "content-filter": (response) => answer(response, POISON, { finishReason: "content_filter" }),
  "cut-off": (response) => answer(response, POISON, { finishReason: "length" }),
  "usage-missing": { valid: true, usage: () => undefined },
  "usage-negative": { valid: true, usage: () => ({ prompt_tokens: -5_000_000, completion_tokens: -1 }) },
  "usage-absurd": { valid: true, usage: () => ({ prompt_tokens: 1e300, completion_tokens: "lots" }) },
};

export async function run({ quick, seed }) {
  const cycles = quick ? 4 : 50;
  const totals = { crashes: [], cycles: 0, bad: 0, over: [], calls: 0, stops: 0, lost: [], perMode: [] };
  for (const [index, mode] of Object.keys(MODES).entries()) await chaosOf(mode, { cycles, seed: seed * 100 + index, totals });
  const n = totals.cycles;
  const modes = Object.keys(MODES).length;
  return [
    {
      value: totals.crashes.length,
      n,
      note: totals.crashes[0] ?? `${modes} ways to misbehave, ${cycles} cycles each, ${totals.calls} requests; a cycle that rejects counts`,
    },
    {
      part: "invalid",
      value: totals.bad,
      unit: "items",
      n: totals.calls,
      note: "items whose words are none of those that the server meant as a lesson",
    },
    {
      part: "over",
      value: totals.over.length,
      unit: "caps",
      n,
      note:
        totals.over[0] ??
        `cycles after which the store had booked, or the server used, more than the cap of a cycle; ${totals.stops} cycles were stopped by it`,
    },
    {
      part: "lost",
      value: totals.lost.length,
      unit: "runs",
      n: modes * cycles * RUNS_A_CYCLE,
      note: totals.lost[0] ?? "failed runs that are neither read, nor refused with a reason, nor waiting",
    },
  ];
}

async function chaosOf(mode, { cycles, seed, totals }) {
  const { fullCycle } = await builtModule("src/compose/full-cycle.js");
  const { loadConfig } = await builtModule("src/config/load-config.js");
  const folder = await mkdtemp(join(tmpdir(), "agentlearn-chaos-"));
  const file = join(folder, "t.db");
  const random = createRandom(seed);
  const act = MODES[mode];
  const server = await startModelServer({
    misbehave: (response, body) => {
      if (random() >= BAD_SHARE) return false;
      if (typeof act === "function") {
        act(response, body, server);
        charge(server.truth, mode, body);
        return true;
      }
      response.lieAbout = act.usage;
      return false;
    },
    usageSaid: (response, usage) => (response.lieAbout === undefined ? usage : response.lieAbout()),
  });
  const code = {
    store: `file:${file}`,
    openaiBaseUrl: server.baseUrl,
    model: "stub",
    budgetUsdPerCycle: CAP_USD,
    modelPrices: `stub=${PRICE.input}/${PRICE.output}`,
    modelOutputTokens: OUTPUT_TOKENS,
    modelTimeoutMs: DEADLINE_MS,
  };
  const config = loadConfig({ env: {}, code });
  const usedUsd = () => (server.truth.inputTokens * PRICE.input + server.truth.outputTokens * PRICE.output) / 1_000_000;
  try {
    const store = await openFile(file, "chaos");
    try {
      for (let cycle = 0; cycle < cycles; cycle += 1) {
        totals.cycles += 1;
        await addRuns(store, { random, runs: RUNS_A_CYCLE, from: cycle * RUNS_A_CYCLE });
        const before = usedUsd();
        try {
          const report = await fullCycle({ store, config, who: "chaos", retry: { wait: async () => {} } });
          if (report.stopped !== undefined) totals.stops += 1;
          const booked = report.cost.usd;
          if (!(booked <= CAP_USD)) totals.over.push(`${mode}, cycle ${cycle + 1}: booked ${booked} of ${CAP_USD}`);
        } catch (caught) {
          totals.crashes.push(`${mode}, cycle ${cycle + 1}: ${caught.message}`);
        }
        const used = usedUsd() - before;
        if (used > CAP_USD) totals.over.push(`${mode}, cycle ${cycle + 1}: used ${used} of ${CAP_USD}`);
      }
      const meant = new Set(KINDS.map(ruleFor));
      totals.bad += (await store.listKnowledge({ limit: 1_000 })).filter(({ content }) => !meant.has(content)).length;
      totals.calls += server.truth.requests;
    } finally {
      await store.close();
    }
    totals.lost.push(...(await lostRuns(file)).map((id) => `${mode}: run ${id}`));
  } finally {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** What a bad answer costs whoever pays for it: an error nothing, an answer what it says, and silence all that can have been written. */
function charge(truth, mode, body) {
  if (["429", "429-retry-after", "500", "503", "redirect"].includes(mode)) return;
  const silent = ["hang", "drip", "cut-body", "huge-answer", "wrong-content-type", "reset"].includes(mode);
  truth.inputTokens += silent ? usageOf(body, "").prompt_tokens : USAGE.prompt_tokens;
  truth.outputTokens += silent ? OUTPUT_TOKENS : USAGE.completion_tokens;
}

/** Read, not left for later, and without an item or a refusal that names them. */
async function lostRuns(file) {
  const { openLibsqlDriver } = await builtModule("src/store/driver-libsql.js");
  const driver = openLibsqlDriver({ path: file });
  try {
    const rows = await driver.all(
      `SELECT id FROM trace WHERE analyzed = 1
         AND id NOT IN (SELECT run_id FROM kept_run)
         AND id NOT IN (SELECT j.value FROM knowledge k, json_each(CAST(k.source_trace_ids AS TEXT)) j)
         AND id NOT IN (SELECT j.value FROM refusal r, json_each(CAST(r.trace_ids AS TEXT)) j)`,
    );
    return rows.map(({ id }) => id);
  } finally {
    await driver.close();
  }
}
