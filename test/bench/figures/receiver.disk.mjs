/**
 * A disk that is full, fails or may not be written to makes the collector say "again in a second", never "stored", and it goes on by itself when the
 * fault is over. Clients post without a pause before, during and after each fault; afterwards everything that was acknowledged must be in the store.
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { postBesides, startCollector } from "../collector-process.mjs";
import { failingCalls, fullDisk } from "../disk-faults.mjs";
import { createRequest } from "../otlp-bodies.mjs";
import { createOracle, refusalRow } from "../span-oracle.mjs";
import { createRandom } from "../statistics.mjs";
import { builtFile } from "../stored-spans.mjs";

export const name = "receiver.disk";
export const unit = "spans";
export const target = { op: "==", value: 0 };

const CLIENTS = 4;
// Small bodies that come alone go into the database, and larger ones into a segment beside it, whose faults are others.
const LARGE_SHARE = 0.25;
const LARGE_SPANS = 96;

export async function run({ quick, seed }) {
  builtFile("src/cli/main.js");
  const random = createRandom(seed);
  const folder = await mkdtemp(join(tmpdir(), "agentlearn-disk-"));
  const phaseMs = quick ? 400 : 3_000;
  const rows = [];
  try {
    for (const make of FAULTS) {
      const own = join(folder, String(rows.length));
      await mkdir(own);
      const fault = make(own);
      try {
        rows.push(...(fault.reason === undefined ? await measure(fault, { random, phaseMs }) : [skipped(fault)]));
      } finally {
        fault.close();
      }
    }
    return rows;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const FAULTS = [
  fullDisk,
  (folder) => failingCalls("eio-sync", folder, { calls: "fsync,fdatasync", error: "EIO" }),
  (folder) => failingCalls("eio-write", folder, { error: "EIO" }),
  (folder) => failingCalls("eio-now-and-then", folder, { calls: "fsync,fdatasync,pwrite64", error: "EIO", every: "3+7" }),
  (folder) => failingCalls("read-only", folder, { error: "EROFS" }),
];

function skipped({ name: part, reason }) {
  return { part, value: 0, target: null, n: 0, note: `skipped: ${reason}` };
}

async function measure(fault, plan) {
  const store = join(fault.folder, "agentlearn.db");
  const collector = await startCollector({ store, cwd: fault.folder });
  try {
    return await measureOn(collector, { ...plan, fault, store });
  } finally {
    await collector.kill();
  }
}

async function measureOn(collector, { fault, store, random, phaseMs }) {
  const oracle = createOracle();
  let overAt = Number.POSITIVE_INFINITY;
  let resumedAt;
  let refusedInFault = 0;
  let acknowledgedAfter = 0;
  const load = postBesides(collector, {
    clients: CLIENTS,
    next: async () => {
      const request = await createRequest(random, random() < LARGE_SHARE ? { maxSpans: LARGE_SPANS } : {});
      oracle.sent(request);
      await sleep(20);
      return request;
    },
    answered: (request, answer) => {
      oracle.answered(request, answer);
      if (answer.kind === "refused") refusedInFault += 1;
      if (answer.kind !== "acknowledged" || performance.now() < overAt) return;
      resumedAt ??= performance.now();
      acknowledgedAfter += 1;
    },
  });
  await sleep(phaseMs);
  await fault.begin(collector.pid);
  await sleep(phaseMs);
  await fault.end();
  overAt = performance.now();
  // Up to 5 s to resume, then a while of plain work.
  while (resumedAt === undefined && performance.now() - overAt < 5_000) await sleep(20);
  await sleep(phaseMs / 2);
  await load.stop();
  const { code } = await collector.end("SIGTERM");
  const judged = await oracle.judge(store);
  const part = (what) => `${fault.name}${what}`;
  const injected = fault.injected === undefined ? "" : `${fault.injected()} calls failed, `;
  const refusals = refusalRow(judged, refusedInFault);
  return [
    {
      part: part(""),
      value: judged.lost + judged.altered + judged.invented,
      n: judged.acknowledged,
      note: `acknowledged and not in the store, altered, or never sent; ${injected}${judged.others}; exit ${code}`,
    },
    { ...refusals, part: part(".improper") },
    // A fault that refused nothing was none.
    { part: part(".refused"), value: refusedInFault, unit: "refusals", target: { op: ">=", value: 1 }, n: refusedInFault },
    {
      part: part(".resume"),
      value: resumedAt === undefined ? Number.POSITIVE_INFINITY : Math.round(resumedAt - overAt),
      unit: "ms",
      target: { op: "<=", value: 5_000 },
      n: acknowledgedAfter,
      note: "from the end of the fault to the next acknowledgement, without a restart",
    },
  ];
}
