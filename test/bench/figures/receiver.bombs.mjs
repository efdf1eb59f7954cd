/**
 * Bodies that are made to hurt: 20 MiB of empty parts, lists a million deep, gzip, deflate, br and zstd of up to 1 GiB, over HTTP and gRPC, each many
 * times in a row and several at once, against `agentlearn up`. Every one must be refused, while small good requests from another process go on
 * being answered; their worst answer is compared with that of the same process left alone.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createBombs } from "../bombs.mjs";
import { startCollector } from "../collector-process.mjs";
import { createRequest } from "../otlp-bodies.mjs";
import { createGrpcSender, createHttpSender } from "../otlp-senders.mjs";
import { startProbe } from "../probe.mjs";
import { residentMib, watchMemory } from "../process-memory.mjs";
import { createRandom, quantile, shuffled } from "../statistics.mjs";
import { builtFile } from "../stored-spans.mjs";

export const name = "receiver.bombs";
export const unit = "answers";
export const target = { op: "==", value: 0 };

const AT_ONCE = 4;
const ROUND_MS = 1_000;
// grpc-status of INVALID_ARGUMENT and RESOURCE_EXHAUSTED.
const REFUSED = { http: [400, 413], grpc: [3, 8] };

export async function run({ quick, seed }) {
  builtFile("src/cli/main.js");
  const random = createRandom(seed);
  const bombs = shuffled(await createBombs({ largeMib: quick ? 128 : 1024 }), random);
  const folder = await mkdtemp(join(tmpdir(), "agentlearn-bombs-"));
  try {
    const collector = await startCollector({ store: join(folder, "agentlearn.db"), cwd: folder });
    const probe = startProbe(collector.url);
    try {
      return rowsOf(await throwAll({ collector, probe, bombs, quick, random }), bombs.length);
    } finally {
      await probe.stop();
      await collector.kill();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function throwAll({ collector, probe, bombs, quick, random }) {
  const http = createHttpSender(collector.url, AT_ONCE);
  const grpc = createGrpcSender(collector.grpcUrl);
  const send = (bomb) => (bomb.over === "grpc" ? grpc : http).send(bomb);
  const results = [];
  const quiet = [];
  const loud = [];
  const probed = { good: 0, bad: 0 };
  const during = async (list, work) => {
    const from = Date.now();
    await work();
    await sleep(50);
    const { answerMs, statuses } = probe.between(from, Date.now());
    list.push(...answerMs);
    note(`  worst answer to a good request: ${Math.max(...answerMs).toFixed(0)} ms`);
    for (const status of statuses) probed[status === 200 ? "good" : "bad"] += 1;
  };
  // The memory of a collector at work is what bombs add to: ordinary load first, in every encoding.
  await warmUp({ http, random, requests: quick ? 1_000 : 5_000 });
  const memory = watchMemory(collector.pid);
  for (const [index, bomb] of bombs.entries()) {
    const times = bomb.slow ? 1 : quick ? 1 : 40;
    const before = residentMib(collector.pid);
    await during(loud, async () => {
      const inRow = [];
      for (let count = 0; count < times; count += 1) inRow.push(await send(bomb));
      const atOnce = await Promise.all(Array.from({ length: bomb.slow || quick ? 1 : AT_ONCE }, () => send(bomb)));
      results.push(...[...inRow, ...atOnce].map((status) => ({ bomb, status })));
    });
    note(`${bomb.name}: answered ${results.at(-1).status}, memory ${before.toFixed(0)} -> ${residentMib(collector.pid).toFixed(0)} MiB`);
    // Between them, so that neighbours on the machine disturb both alike.
    if (index % 8 === 0) await during(quiet, () => sleep(quick ? 300 : ROUND_MS));
  }
  // All kinds together, so that several large ones are in flight.
  await during(loud, async () => {
    const mixed = bombs.filter(({ slow }) => !slow);
    let next = 0;
    const worker = async () => {
      while (next < mixed.length) {
        const bomb = mixed[next++];
        results.push({ bomb, status: await send(bomb) });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  });
  const rss = memory.stop();
  http.close();
  grpc.close();
  return { results, quiet, loud, probed, rss, alive: collector.isAlive() };
}

async function warmUp({ http, random, requests }) {
  let left = requests;
  const worker = async () => {
    while (left-- > 0) {
      const { headers, body } = await createRequest(random);
      await http.send({ type: headers["content-type"], encoding: headers["content-encoding"], body });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  await sleep(1_000);
}

function note(text) {
  if (process.env.AGENTLEARN_FIGURE_TRACE === "1") process.stderr.write(`${text}\n`);
}

function rowsOf({ results, quiet, loud, probed, rss, alive }, kinds) {
  const wrong = results.filter(({ bomb, status }) => !REFUSED[bomb.over ?? "http"].includes(status));
  const said = [...new Set(wrong.map(({ bomb, status }) => `${bomb.name}: ${status}`))].slice(0, 5).join("; ");
  const worst = (values) => Math.max(...values);
  const short = (value) => Number(value.toPrecision(3));
  return [
    { value: wrong.length, n: results.length, note: said || `bombs not refused with 413 or 400, of ${kinds} kinds` },
    {
      part: "stall",
      value: short(worst(loud) - worst(quiet)),
      unit: "ms",
      target: { op: "<=", value: 200 },
      n: loud.length,
      note: `worst answer to a good request beside them: ${short(worst(loud))} ms (p99 ${short(quantile(loud, 0.99))}), left alone ${short(worst(quiet))} ms (p99 ${short(quantile(quiet, 0.99))})`,
    },
    {
      part: "memory",
      value: short(rss.peak - rss.start),
      unit: "MiB",
      target: { op: "<=", value: 64 },
      n: results.length,
      note: `resident: ${short(rss.start)} MiB before, ${short(rss.peak)} at the peak, ${short(rss.end)} after`,
    },
    {
      part: "alive",
      value: alive && probed.bad === 0 ? 1 : 0,
      unit: "yes",
      target: { op: "==", value: 1 },
      n: probed.good,
      note: `good requests answered 200: ${probed.good}, otherwise: ${probed.bad}`,
    },
  ];
}
