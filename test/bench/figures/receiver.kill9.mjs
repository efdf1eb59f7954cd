/**
 * Nothing that was acknowledged is lost when the collector dies at any moment. Eight clients post OTLP bodies over HTTP and gRPC (protobuf and JSON,
 * half of them gzip) with span ids of their own; SIGKILL comes 80 to 330 ms after the start; an oracle outside of the process keeps what was
 * acknowledged. After the last kill every acknowledged span must stand in the store with its payload unchanged, and no span that nobody sent.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { postBesides, startCollector } from "../collector-process.mjs";
import { createRequest } from "../otlp-bodies.mjs";
import { createOracle, judgementRows } from "../span-oracle.mjs";
import { createRandom, quantile, spreadOf } from "../statistics.mjs";
import { builtFile } from "../stored-spans.mjs";

export const name = "receiver.kill9";
export const unit = "spans";
export const target = { op: "==", value: 0 };

const CLIENTS = 8;
const KILL_AFTER_MS = [80, 330];
/** Bodies made before the first start: making one costs more than receiving it, and the collector is what is to be kept busy. */
const POOL = 400;

export async function run({ quick, seed }) {
  builtFile("src/cli/main.js");
  const kills = quick ? 5 : 200;
  const random = createRandom(seed);
  const folder = await mkdtemp(join(tmpdir(), "agentlearn-kill9-"));
  const store = join(folder, "agentlearn.db");
  const oracle = createOracle();
  const restartsMs = [];
  try {
    for (let round = 0; round < kills; round += 1) {
      const pool = await Promise.all(Array.from({ length: POOL }, () => createRequest(random)));
      const collector = await startCollector({ store, cwd: folder });
      if (round > 0) restartsMs.push(collector.readyMs);
      const next = async () => {
        const request = pool.pop() ?? (await createRequest(random));
        oracle.sent(request);
        return request;
      };
      const load = postBesides(collector, { clients: CLIENTS, next, answered: oracle.answered });
      await sleep(KILL_AFTER_MS[0] + random() * (KILL_AFTER_MS[1] - KILL_AFTER_MS[0]));
      await collector.kill();
      await load.stop();
    }
    // One more start, as after any crash, before the file is read.
    const last = await startCollector({ store, cwd: folder });
    restartsMs.push(last.readyMs);
    await last.kill();
    return rowsOf(await oracle.judge(store), kills, restartsMs);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function rowsOf(judged, kills, restartsMs) {
  return [
    ...judgementRows(judged, { count: kills, what: "kill" }),
    // A run that acknowledged next to nothing would find nothing lost: it must have had something to lose at every kill.
    { part: "acked", value: judged.acknowledged, target: { op: ">=", value: 50 * kills }, n: kills, note: judged.others },
    // 1 s: the first retry of the JavaScript exporter comes after one, so what was in flight at the kill is delivered at the first attempt.
    {
      part: "restart",
      value: quantile(restartsMs, 0.95),
      unit: "ms",
      target: { op: "<=", value: 1_000 },
      n: restartsMs.length,
      spread: spreadOf(restartsMs),
      note: `p95 from start to ready on the store as the kill left it; p50 ${Math.round(quantile(restartsMs, 0.5))}`,
    },
  ];
}
