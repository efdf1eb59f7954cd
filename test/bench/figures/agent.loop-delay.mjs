/**
 * What an agent feels of our span processor while it ends 2,000 GenAI spans a second of about 5 KB: beside no processor, and beside OpenTelemetry's
 * BatchSpanProcessor with the OTLP/HTTP protobuf exporter. The peer sends to a bare sink in this process that reads and answers 200, so it waits for
 * nobody; ours makes its spans durable in a file. Each variant runs in a fresh process, in a new order each round: warm-up, the steady rate, then as
 * fast as it can. Ratios are medians of ratios within a round: neighbours on the machine then move both sides.
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createRandom, median, shuffled, spreadOf } from "../statistics.mjs";
import { builtFile, cleanEnvironment, readStoredSpans } from "../stored-spans.mjs";

export const name = "agent.loop-delay";
export const unit = "x";
export const target = { op: "<=", value: 0.2 };

const PEER = "BatchSpanProcessor + OTLP/proto";
const NONE = "no processor";
const ONE = { op: "<=", value: 1 };
const CHILD = fileURLToPath(new URL("../loop-delay-child.mjs", import.meta.url));
const VARIANTS = ["none", "batch", "ours"];
const SPANS_PER_SECOND = 2_000;
const CHILD_TIMEOUT_MS = 120_000;

export async function run({ quick, seed }) {
  builtFile("src/index.js");
  const random = createRandom(seed);
  const folder = await mkdtemp(join(tmpdir(), "agentlearn-loop-delay-"));
  const sink = await openSink();
  const rounds = [];
  try {
    for (let round = 0; round < (quick ? 1 : 5); round += 1) {
      const result = {};
      for (const variant of shuffled(VARIANTS, random)) {
        const store = join(folder, `${round}-${variant}.db`);
        const measured = await runChild({
          variant,
          sink: sink.url,
          store,
          warmUpMs: quick ? 1_000 : 2_000,
          durationMs: quick ? 2_000 : 4_000,
          spansPerSecond: SPANS_PER_SECOND,
          spans: quick ? 4_000 : 20_000,
          seed: seed + round,
        });
        const stored = variant === "ours" ? await countsByPhase(store) : undefined;
        for (const phase of ["steady", "flat-out"]) {
          const kept = stored === undefined ? measured[phase].exported : (stored[phase] ?? 0);
          result[phase] = { ...result[phase], [variant]: { ...measured[phase], kept } };
        }
      }
      rounds.push(result);
    }
  } finally {
    sink.close();
    await rm(folder, { recursive: true, force: true });
  }
  return rowsOf(rounds);
}

/** How many spans of each phase are in a store. */
async function countsByPhase(store) {
  const counts = {};
  for (const { attributes } of await readStoredSpans(store)) {
    const phase = attributes["gen_ai.conversation.id"];
    counts[phase] = (counts[phase] ?? 0) + 1;
  }
  return counts;
}

function rowsOf(rounds) {
  const steady = (read) => rounds.map(({ steady }) => read(steady));
  const middle = (variant, read) => median(steady((phase) => read(phase[variant])));
  const triple = (read, text) =>
    `${text}: ours ${short(middle("ours", read))}, peer ${short(middle("batch", read))}, none ${short(middle("none", read))}`;
  const added = (variant, read) => (phase) => Math.max(0, read(phase[variant]) - read(phase.none));
  const ratioOfAdded = (read) => steady((phase) => added("ours", read)(phase) / added("batch", read)(phase));
  const row = (part, values, rest) => ({ part, value: median(values), n: values.length, spread: spreadOf(values), peer: PEER, ...rest });

  const main = ({ mainUsPerSpan }) => mainUsPerSpan;
  const all = ({ allUsPerSpan }) => allUsPerSpan;
  const against = (peer, read) => steady((phase) => read(phase.ours) / read(phase[peer]));
  const loopRow = (part, peer, read, rest) =>
    row(part, against(peer, read), { peerValue: `${short(middle(peer, read))} ms`, note: triple(read, "loop delay, ms"), ...rest });
  const worst = ({ worstEndMs }) => worstEndMs;
  const flatOut = (variant) => rounds.map((round) => round["flat-out"][variant]);
  const rate = (variant) => flatOut(variant).map(({ emitted, emittedMs }) => emitted / (emittedMs / 1000));
  const keptRate = (variant) => flatOut(variant).map(({ kept, totalMs }) => kept / (totalMs / 1000));
  const share = (variant, phase) => rounds.map((round) => round[phase][variant]).map(({ kept, emitted }) => kept / emitted);
  const ratios = (left, right) => left.map((value, round) => value / right[round]);
  return [
    loopRow(undefined, "batch", ({ loop }) => loop.p999, { note: triple(({ loop }) => loop.p999, "event-loop delay, p99.9, ms") }),
    loopRow("beside-none", "none", ({ loop }) => loop.p999, { peer: NONE, target: { op: "<=", value: 2 } }),
    loopRow("p99", "batch", ({ loop }) => loop.p99, { target: ONE }),
    // The timer behind it ticks in milliseconds: half of all delays are 1.1 ms in each variant, and 5 % is no difference.
    loopRow("p50", "batch", ({ loop }) => loop.p50, { target: { op: "<=", value: 1.05 } }),
    row("worst-end", against("batch", worst), {
      target: { op: "<=", value: 0.1 },
      peerValue: `${short(middle("batch", worst))} ms`,
      note: triple(worst, "worst span.end(), ms"),
    }),
    row("cpu", ratioOfAdded(main), {
      target: ONE,
      peerValue: `${short(median(steady(added("batch", main))))} us/span`,
      note: triple(main, "CPU of the agent's thread, us/span"),
    }),
    row("throughput", ratios(rate("ours"), rate("batch")), {
      target: { op: ">=", value: 1 },
      peerValue: `${short(median(rate("batch")))} spans/s`,
      note: `spans/s that the agent gets through flat out, kept or not: ours ${short(median(rate("ours")))}, peer ${short(median(rate("batch")))}, none ${short(median(rate("none")))}`,
    }),
    // The peer's spans end in a sink that throws them away, ours in a file. Both drop what exceeds their queue, and nobody is paid for dropping.
    row("throughput-kept", ratios(keptRate("ours"), keptRate("batch")), {
      target: { op: ">=", value: 1 },
      peerValue: `${short(median(keptRate("batch")))} spans/s (${percent(share("batch", "flat-out"))} kept)`,
      note: `spans/s kept, flat out until flushed: ours ${short(median(keptRate("ours")))} (${percent(share("ours", "flat-out"))} kept)`,
    }),
    {
      ...row("kept", share("ours", "steady"), {
        target: { op: "==", value: 1 },
        unit: "of all spans",
        note: "share found in the store after steady load",
      }),
      value: Math.min(...share("ours", "steady")),
      peerValue: percent(share("batch", "steady")),
    },
    // A second thread may not hide what it costs: the peer only sends, ours also makes durable, and that may add a fifth.
    row("total-cpu", ratioOfAdded(all), {
      target: { op: "<=", value: 1.2 },
      peerValue: `${short(median(steady(added("batch", all))))} us/span`,
      note: `${triple(all, "CPU of the whole process, us/span")}; ours includes making the spans durable`,
    }),
  ];
}

function short(value) {
  return Number(value.toPrecision(3)).toLocaleString("en-US");
}

function percent(shares) {
  return `${short(100 * median(shares))} %`;
}

async function runChild(options) {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [CHILD, JSON.stringify(options)], {
      timeout: CHILD_TIMEOUT_MS,
      killSignal: "SIGKILL",
      env: cleanEnvironment(),
    });
    return JSON.parse(stdout.trim().split("\n").at(-1));
  } catch (error) {
    const said = /^\S*Error\b.*$/m.exec(error.stderr ?? "")?.[0] ?? (error.killed ? `no answer in ${CHILD_TIMEOUT_MS} ms` : error.message);
    throw new Error(`variant ${options.variant}, ${options.phase}: ${said}`, { cause: error });
  }
}

/** Takes every request and answers 200: the peer is not slowed by what it talks to. */
async function openSink() {
  const server = createServer((request, response) => {
    request.resume();
    request.on("end", () => response.writeHead(200, { "content-type": "application/x-protobuf" }).end());
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${server.address().port}/v1/traces`, close: () => server.close() };
}
