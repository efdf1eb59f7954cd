/**
 * A learner that is killed at any moment leaves nothing half done and pays for nothing twice. A real process learns on a real store file, from failed runs,
 * with a model and an agent on loopback; it is killed (SIGKILL) before or after each of its writes, another goes on, and what is known then is compared
 * with what an undisturbed process learnt. An answer is finished once it is durable; the one in flight at the kill may be asked for once more.
 */
import { execFile } from "node:child_process";
import { copyFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { knowledgeIn, seedWorld } from "../learn-world.mjs";
import { startModelServer } from "../model-server.mjs";
import { createRandom } from "../statistics.mjs";
import { cleanEnvironment } from "../stored-spans.mjs";

export const name = "learner.resume";
export const unit = "calls";
export const target = { op: "==", value: 0 };

const CHILD = fileURLToPath(new URL("../learn-child.mjs", import.meta.url));
// Writes until both runs are judged, two calls each: what is drawn for one call and not for the next is met only between them.
const JUDGED = 12;
const ANSWERS = new Set(["settleCall", "saveAnswer"]);

export async function run({ quick, seed }) {
  const seeds = quick ? 1 : 20;
  const folder = await mkdtemp(join(tmpdir(), "agentlearn-resume-"));
  const sum = { kills: 0, repeated: 0, inFlight: 0, different: 0, notes: [], steps: new Set() };
  try {
    for (let index = 0; index < seeds; index += 1) await oneSeed(folder, seed * 1_000 + index, quick, sum);
    return [
      {
        part: "repeated",
        value: sum.repeated,
        n: sum.kills,
        note: `finished calls paid for again; ${sum.inFlight} in flight at the kill were, once`,
      },
      {
        part: "different",
        value: sum.different,
        unit: "stores",
        n: sum.kills,
        note: sum.notes[0] ?? `same knowledge, sources, decisions and certificates; killed at ${[...sum.steps].sort().join(", ")}`,
      },
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function oneSeed(folder, seed, quick, sum) {
  const base = join(folder, `base-${seed}.db`);
  // Two kinds and six cases: a gate that can decide, in as few writes as it takes.
  await seedWorld(base, { random: createRandom(seed), runs: 2, casesOfKind: 8, kinds: ["parcel"] });
  const calm = await learnOn(await copyOf(base, folder, "calm"), {});
  const steps = Array.from({ length: calm.writes }, (_, index) => index + 1).filter((step) => !quick || step <= JUDGED || step % 3 === 1);
  for (const step of steps) {
    // The other way round with the next seed: each write is met on both sides.
    const mode = (step + seed) % 2 === 0 ? "before" : "after";
    const after = await disturbed(base, folder, step, mode);
    sum.kills += 1;
    sum.steps.add(after.killedIn);
    const spare = mode === "before" && ANSWERS.has(after.killedIn) ? 1 : 0;
    const more = after.requests - calm.requests;
    sum.inFlight += Math.min(spare, Math.max(0, more));
    sum.repeated += Math.max(0, more - spare);
    if (after.knowledge !== calm.knowledge) {
      sum.different += 1;
      sum.notes.push(
        `seed ${seed}, killed ${mode} write ${step} (${after.killedIn}): ${after.knowledge.slice(0, 300)} in place of ${calm.knowledge.slice(0, 300)}`,
      );
    }
  }
}

async function disturbed(base, folder, killAt, mode) {
  const file = await copyOf(base, folder, "killed");
  const server = await startModelServer();
  const log = `${file}.log`;
  try {
    const first = await child({ file, baseUrl: server.baseUrl, killAt, mode, log });
    if (first.signal !== "SIGKILL") throw new Error(`the child was not killed at write ${killAt}: ${first.stderr || first.stdout}`);
    const second = await child({ file, baseUrl: server.baseUrl, log });
    if (second.code !== 0) throw new Error(`the second child failed after write ${killAt}: ${second.stderr}`);
    const { knowledge } = await knowledgeIn(file);
    return { knowledge, requests: server.truth.requests, killedIn: (await readFile(log, "utf8")).trim() };
  } finally {
    await server.close();
    for (const end of ["", "-wal", "-shm", ".log"]) await rm(file + end, { force: true });
  }
}

async function learnOn(file) {
  const server = await startModelServer();
  try {
    const { code, stdout, stderr } = await child({ file, baseUrl: server.baseUrl, log: `${file}.log` });
    if (code !== 0) throw new Error(`the undisturbed child failed: ${stderr}`);
    const { knowledge, items } = await knowledgeIn(file);
    if (!items.some(({ status }) => status === "validated")) throw new Error(`nothing was learnt: ${stdout.slice(0, 2_000)}`);
    return { knowledge, requests: server.truth.requests, writes: JSON.parse(stdout).writes };
  } finally {
    await server.close();
  }
}

let copies = 0;
async function copyOf(base, folder, what) {
  copies += 1;
  const file = join(folder, `${what}-${copies}.db`);
  await copyFile(base, file);
  return file;
}

function child(options) {
  return new Promise((resolve) => {
    execFile(process.execPath, [CHILD, JSON.stringify(options)], { env: cleanEnvironment(), timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : error.code, signal: error?.signal, stdout, stderr });
    });
  });
}
