/**
 * A collector that is asked to end answers what it has begun, keeps what it acknowledged, and is gone soon. Eight clients post over HTTP and gRPC;
 * SIGTERM comes 80 to 330 ms after the start, each time on the store the last one left.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { postBesides, startCollector } from "../collector-process.mjs";
import { createRequest } from "../otlp-bodies.mjs";
import { createOracle, judgementRows, refusalRow } from "../span-oracle.mjs";
import { createRandom, quantile, spreadOf } from "../statistics.mjs";
import { builtFile } from "../stored-spans.mjs";

export const name = "receiver.sigterm";
export const unit = "spans";
export const target = { op: "==", value: 0 };

const CLIENTS = 8;
const END_AFTER_MS = [80, 330];
const POOL = 400;

export async function run({ quick, seed }) {
  builtFile("src/cli/main.js");
  const rounds = quick ? 5 : 100;
  const random = createRandom(seed);
  const folder = await mkdtemp(join(tmpdir(), "agentlearn-sigterm-"));
  const store = join(folder, "agentlearn.db");
  const oracle = createOracle();
  const endings = [];
  try {
    for (let round = 0; round < rounds; round += 1) {
      const pool = await Promise.all(Array.from({ length: POOL }, () => createRequest(random)));
      const collector = await startCollector({ store, cwd: folder });
      const next = async () => {
        const request = pool.pop() ?? (await createRequest(random));
        oracle.sent(request);
        return request;
      };
      const load = postBesides(collector, { clients: CLIENTS, next, answered: oracle.answered });
      await sleep(END_AFTER_MS[0] + random() * (END_AFTER_MS[1] - END_AFTER_MS[0]));
      endings.push(await collector.end("SIGTERM"));
      await load.stop();
    }
    return rowsOf(await oracle.judge(store), endings);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function rowsOf(judged, endings) {
  const tookMs = endings.map((ending) => ending.tookMs);
  const unclean = endings.filter(({ code }) => code !== 0);
  return [
    ...judgementRows(judged, { count: endings.length, what: "SIGTERM" }),
    { part: "acked", value: judged.acknowledged, target: { op: ">=", value: 50 * endings.length }, n: endings.length, note: judged.others },
    refusalRow(judged, endings.length),
    {
      part: "unclean",
      value: unclean.length,
      unit: "exits",
      n: endings.length,
      note: unclean.length === 0 ? "exit code 0 each time" : unclean.map(({ code, signal }) => `exit ${code ?? signal}`).join(", "),
    },
    {
      part: "exit",
      value: Math.max(...tookMs),
      unit: "ms",
      target: { op: "<=", value: 5_000 },
      n: endings.length,
      spread: spreadOf(tookMs),
      note: `longest from the signal to the end; p50 ${Math.round(quantile(tookMs, 0.5))}`,
    },
  ];
}
