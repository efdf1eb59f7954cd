/**
 * What our span processor takes from an application whose spans are not GenAI: spans per second of CPU that it gets through with our processor,
 * over those without any. Fresh processes, and in each many rounds in which the variants take turns of a few milliseconds; the figure is the median of the ratios
 * of all rounds. Beside it a processor that does nothing, because the SDK's own loop over processors is part of any such ratio.
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { median, quantile } from "../statistics.mjs";
import { builtFile, cleanEnvironment, readStoredSpans } from "../stored-spans.mjs";

export const name = "agent.passthrough";
export const unit = "x";
export const target = { op: ">=", value: 0.95 };

const CHILD = fileURLToPath(new URL("../passthrough-child.mjs", import.meta.url));
const CHILD_TIMEOUT_MS = 120_000;

export async function run({ quick, seed }) {
  builtFile("src/index.js");
  const folder = await mkdtemp(join(tmpdir(), "agentlearn-passthrough-"));
  const processes = quick ? 2 : 8;
  const rounds = [];
  let stored = 0;
  try {
    for (let child = 0; child < processes; child += 1) {
      const store = join(folder, `${child}.db`);
      const options = { store, rounds: quick ? 5 : 15, turns: 20, spansPerTurn: 1_000, seed: seed + child };
      const { stdout } = await promisify(execFile)(process.execPath, [CHILD, JSON.stringify(options)], {
        timeout: CHILD_TIMEOUT_MS,
        killSignal: "SIGKILL",
        env: cleanEnvironment(),
      });
      rounds.push(...JSON.parse(stdout));
      stored += (await readStoredSpans(store)).length;
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return rowsOf(rounds, processes, stored);
}

function rowsOf(rounds, processes, stored) {
  const rate = (variant) => `${Math.round(median(rounds.map((round) => round[variant]))).toLocaleString("en-US")} spans/s`;
  const row = (variant, rest) => {
    const ratios = rounds.map((round) => round[variant] / round.none);
    const [low, high] = [0.05, 0.95].map((share) => quantile(ratios, share).toPrecision(3));
    return {
      value: median(ratios),
      n: ratios.length,
      spread: `90 % in [${low}, ${high}]`,
      peer: "no processor",
      peerValue: rate("none"),
      ...rest,
    };
  };
  return [
    row("ours", { note: `HTTP and database spans of the real SDK: ours ${rate("ours")}; rounds in ${processes} fresh processes` }),
    row("idle", { part: "idle", target: null, note: `a processor that does nothing: ${rate("idle")}` }),
    {
      part: "stored",
      unit: "spans",
      target: { op: "==", value: 0 },
      value: stored,
      n: rounds.length,
      note: "of these in the store afterwards",
    },
  ];
}
