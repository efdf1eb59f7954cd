/**
 * How many spans a second the collector acknowledges once they are durable (synchronous=FULL) and can be found by trace id, against receivers that
 * keep a row per span, in the same run and by turns: 512-span and 16-span protobuf requests of 2.2 kB spans over 16 connections. Mapping runs
 * meanwhile, as always. Beside it the same over gRPC and in JSON, a million spans in a row, the time an answer takes at half of the rate, and
 * whether mapping and assembling keep up with 5,000 spans a second.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startCollector } from "../collector-process.mjs";
import { bareBlobs, load, startPeer } from "../load-process.mjs";
import { createRandom, median, shuffled, spreadOf } from "../statistics.mjs";

export const name = "receiver.throughput";
export const unit = "x";
export const target = { op: ">=", value: 9 };

const CONNECTIONS = 16;
const BIG = 512;
const SMALL = 16;
const SUSTAINED_RATE = 5_000;
const CONTENDERS = ["ours", "row-per-span", "careful-rows"];

export async function run({ quick, seed }) {
  const random = createRandom(seed);
  const times = quick ? { rounds: 1, seconds: 1 } : { rounds: 5, seconds: 4 };
  const big = await compare({ ...times, spans: BIG, random, seed });
  const small = await compare({ ...times, spans: SMALL, random, seed });
  const rate = median(big.ours);
  return [
    ...ratioRows(big, "", "512-span requests", { "row-per-span": 9, "careful-rows": 3 }),
    ...ratioRows(small, "small.", "16-span requests", { "row-per-span": 9 }),
    await sustained(quick, seed),
    ...(await otherTransports(times, seed)),
    await answers({ seconds: quick ? 2 : 20, rate: rate / 2, seed }),
    ...(await keepsUp({ seconds: quick ? 3 : 60, seed })),
  ];
}

/** Spans a second of each contender, one value a round. Each round starts anew on an empty store, in random order. */
async function compare({ rounds, seconds, spans, random, seed }) {
  const rates = { ours: [], "row-per-span": [], "careful-rows": [], blobs: [] };
  for (let round = 0; round < rounds; round += 1) {
    for (const contender of shuffled([...CONTENDERS, ...(spans === BIG ? ["blobs"] : [])], random)) {
      rates[contender].push(await inFolder((folder) => measure(contender, { folder, spans, seconds, seed: seed + round })));
    }
  }
  return rates;
}

async function measure(contender, { folder, ...options }) {
  if (contender === "blobs") return perSecond(await bareBlobs({ folder, ...options }));
  const server = contender === "ours" ? await startOurs(folder) : await startPeer(contender, folder);
  try {
    return perSecond(await load({ url: server.url, connections: CONNECTIONS, ...options }));
  } finally {
    await server.kill();
  }
}

function ratioRows(rates, prefix, what, targets) {
  const rows = Object.entries(targets).map(([peer, value]) => {
    const ratios = rates.ours.map((rate, round) => rate / rates[peer][round]);
    return {
      part: `${prefix}${peer}`,
      value: median(ratios),
      target: { op: ">=", value },
      n: ratios.length,
      spread: spreadOf(ratios),
      peer,
      peerValue: Math.round(median(rates[peer])),
      note: `${what}, ${Math.round(median(rates.ours))} spans/s acknowledged`,
    };
  });
  if (rates.blobs.length === 0) return rows;
  const shares = rates.ours.map((rate, round) => rate / rates.blobs[round]);
  const blobs = {
    part: `${prefix}blobs`,
    value: median(shares),
    target: { op: ">=", value: 0.6 },
    n: shares.length,
    spread: spreadOf(shares),
    peer: "bare blobs in libSQL",
    peerValue: Math.round(median(rates.blobs)),
    note: "of the rate at which this machine's libSQL commits the same bodies without network, index or mapping",
  };
  return [...rows, blobs];
}

/** The rate of the last tenth of a million spans against that of the first. */
async function sustained(quick, seed) {
  const spans = quick ? 200_000 : 1_000_000;
  return inFolder(async (folder) => {
    const server = await startOurs(folder);
    try {
      const { marks, elapsedMs, acknowledged } = await load({
        url: server.url,
        connections: CONNECTIONS,
        spans: BIG,
        maxSpans: spans,
        seed,
      });
      const rates = marks.map(
        ([ms, count], index) => (count - (marks[index - 1]?.[1] ?? 0)) / ((ms - (marks[index - 1]?.[0] ?? 0)) / 1000),
      );
      // The middle of the first three and of the last three parts: one part alone is a second on a disk that others use too.
      const share = median(rates.slice(-3)) / median(rates.slice(0, 3));
      return {
        part: "sustained",
        value: share,
        target: { op: ">=", value: 0.9 },
        n: rates.length,
        spread: spreadOf(rates),
        note: `last 300,000 of ${acknowledged} spans against the first, ${Math.round((acknowledged / elapsedMs) * 1000)} spans/s over all; spread of parts of 100,000 in spans/s`,
      };
    } finally {
      await server.kill();
    }
  });
}

async function otherTransports({ seconds }, seed) {
  const rows = [];
  for (const [part, note, options] of [
    ["grpc", "the same over gRPC, one connection", (server) => ({ grpc: server.grpcUrl })],
    ["json", "the same as JSON", (server) => ({ url: server.url, json: true })],
  ]) {
    const rate = await inFolder(async (folder) => {
      const server = await startOurs(folder);
      try {
        return perSecond(await load({ ...options(server), connections: CONNECTIONS, spans: BIG, seconds, seed }));
      } finally {
        await server.kill();
      }
    });
    rows.push({ part, value: Math.round(rate), unit: "spans/s", target: null, n: 1, note });
  }
  return rows;
}

async function answers({ seconds, rate, seed }) {
  return inFolder(async (folder) => {
    const server = await startOurs(folder);
    try {
      const { p50Ms, p99Ms, acknowledged } = await load({ url: server.url, connections: CONNECTIONS, spans: BIG, seconds, rate, seed });
      return {
        part: "answer",
        value: p99Ms,
        unit: "ms",
        target: { op: "<=", value: 100 },
        n: acknowledged / BIG,
        spread: `p50 ${p50Ms.toFixed(0)}`,
        note: `p99 from due to answered at ${Math.round(rate)} spans/s, half of the rate above`,
      };
    } finally {
      await server.kill();
    }
  });
}

/** Whether what waits to be mapped, or complete traces that wait to be assembled, grow from the first half of the run to the second. */
async function keepsUp({ seconds, seed }) {
  return inFolder(async (folder) => {
    const server = await startOurs(folder);
    try {
      const backlogs = [];
      let over = false;
      const loading = load({ url: server.url, connections: CONNECTIONS, spans: BIG, seconds, rate: SUSTAINED_RATE, seed }).finally(() => {
        over = true;
      });
      // A trace is not late before it has been quiet for 10 s.
      const lateAfterMs = 12_000;
      const began = performance.now();
      while (!over) {
        await sleep(1_000);
        const { unmappedBodies, pendingTraces, traces } = await (await fetch(`${server.apiUrl}/api/v1/status`)).json();
        const dueTraces = (Math.max(0, performance.now() - began - lateAfterMs) / 1000) * (SUSTAINED_RATE / 8);
        backlogs.push({ bodies: unmappedBodies, traces: Math.max(0, dueTraces - traces.total), pendingTraces });
      }
      const { acknowledged, elapsedMs } = await loading;
      const late = backlogs.slice(backlogs.length >> 1);
      return [
        {
          part: "unmapped",
          value: Math.max(...late.map(({ bodies }) => bodies)) * BIG,
          unit: "spans",
          target: { op: "<=", value: SUSTAINED_RATE },
          n: backlogs.length,
          note: `the most that waited for mapping in the second half of ${seconds} s at ${Math.round((acknowledged / elapsedMs) * 1000)} spans/s`,
        },
        {
          part: "late",
          value: Math.round(Math.max(...late.map(({ traces }) => traces))),
          unit: "traces",
          target: quickTarget(seconds),
          n: backlogs.length,
          note: "the most traces not assembled 2 s after their 10 quiet seconds, same run; 625 come every second",
        },
      ];
    } finally {
      await server.kill();
    }
  });
}

function quickTarget(seconds) {
  return seconds < 30 ? null : { op: "<=", value: (SUSTAINED_RATE / 8) * 2 };
}

async function startOurs(folder) {
  return startCollector({ store: join(folder, "agentlearn.db"), cwd: folder });
}

async function inFolder(work) {
  const folder = await mkdtemp(join(tmpdir(), "agentlearn-throughput-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function perSecond({ acknowledged, elapsedMs }) {
  return (acknowledged / elapsedMs) * 1000;
}
