import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { AttributeValue, RawBatch } from "../../../src/span/raw-span.ts";
import type { SpanError, Usage } from "../../../src/span/span.ts";
import { assemble } from "../../../src/trace/assemble.ts";
import type { Step, Trace } from "../../../src/trace/trace.ts";
import { hookOf, recordingOf, replayed } from "../span/native-payloads.ts";
import { batchOf, NATIVE_PAYLOADS, normalised, OTLP_PAYLOADS } from "../span/payloads.ts";

// What a person reads in a recorded payload, written down without running anything. A field that is not written was not told by the emitter.

interface ExpectedStep {
  readonly kind: Step["kind"];
  readonly name: string;
  readonly arguments?: AttributeValue;
  readonly result?: AttributeValue;
  /** Of an LLM call that answered in words. */
  readonly output?: string;
  readonly error?: SpanError;
  readonly callId?: string;
  readonly inferred?: true;
  readonly finishReasons?: readonly string[];
  readonly tokens?: Usage;
  /** Whole milliseconds. */
  readonly timeToFirstTokenMs?: number;
}

interface ExpectedRun {
  readonly task: string;
  readonly output: string;
  readonly agentName?: string;
  readonly conversationId?: string;
  readonly userId?: string;
  readonly models: readonly string[];
  readonly tokens?: Usage;
  readonly error?: SpanError;
  readonly steps: readonly ExpectedStep[];
}

const fileOf = (name: string): URL => new URL(`../../fixtures/expected/${name}.json`, import.meta.url);

const batches: ReadonlyMap<string, RawBatch> = new Map([
  ...OTLP_PAYLOADS.map((name) => [name, batchOf(name)] as const),
  ...(await Promise.all(NATIVE_PAYLOADS.map(async (name) => [name, await replayed(hookOf(name), recordingOf(name))] as const))),
]);

test("every recorded payload has its expectation", () => {
  expect([batches.size, [...batches.keys()].filter((name) => !existsSync(fileOf(name)))]).toEqual([22, []]);
});

describe.each([...batches])("%s", (name, batch) => {
  const expected = (JSON.parse(readFileSync(fileOf(name), "utf8")) as { readonly runs: readonly ExpectedRun[] }).runs;
  const runs = assemble(normalised(batch), "flush");

  test("holds these runs", () => {
    expect(runs.map((run) => run.task)).toEqual(expected.map((run) => run.task));
  });

  test.each(expected.map((run, index) => ({ at: index, run })))("run $at, $run.task", ({ at, run }) => {
    const found = runs[at];
    expect(found === undefined ? ["run is missing"] : differences(told(found), run)).toEqual([]);
  });
});

/** A trace as a person would write it down. */
function told(run: Trace): ExpectedRun {
  const models = run.steps.flatMap((step) => (step.kind === "llm" && step.model !== undefined ? [step.model] : []));
  return {
    task: run.task,
    output: run.output,
    ...(run.agentName === undefined ? {} : { agentName: run.agentName }),
    ...(run.conversationId === undefined ? {} : { conversationId: run.conversationId }),
    ...(run.userId === undefined ? {} : { userId: run.userId }),
    models: [...new Set(models)],
    ...(run.usage === undefined ? {} : { tokens: run.usage }),
    ...(run.error === undefined ? {} : { error: run.error }),
    steps: run.steps.map(toldStep),
  };
}

function toldStep(step: Step): ExpectedStep {
  const isTool = step.kind === "tool";
  const spoke = !isTool && step.output !== "" && !/^\w+\(.*\)$/.test(step.output);
  return {
    kind: step.kind,
    name: step.name,
    ...(step.arguments === undefined ? {} : { arguments: step.arguments }),
    ...(isTool && step.output !== "" ? { result: parsed(step.output) } : {}),
    ...(spoke ? { output: step.output } : {}),
    ...(step.error === undefined ? {} : { error: step.error }),
    ...(step.callId === undefined ? {} : { callId: step.callId }),
    ...(step.inferred ? { inferred: true } : {}),
    ...(step.finishReasons === undefined ? {} : { finishReasons: step.finishReasons }),
    ...(step.usage === undefined ? {} : { tokens: step.usage }),
    ...(step.timeToFirstTokenMs === undefined ? {} : { timeToFirstTokenMs: Math.round(step.timeToFirstTokenMs) }),
  };
}

function parsed(text: string): AttributeValue {
  return text.startsWith("{") ? (JSON.parse(text) as AttributeValue) : text;
}

/** "steps.1.error.message: expected …, got …" for each field that is missing, too much or different. */
function differences(found: unknown, wanted: unknown, path = ""): readonly string[] {
  if (isFields(found) && isFields(wanted)) {
    const keys = [...new Set([...Object.keys(wanted), ...Object.keys(found)])];
    return keys.flatMap((key) => differences(found[key], wanted[key], path === "" ? key : `${path}.${key}`));
  }
  if (JSON.stringify(found) === JSON.stringify(wanted)) return [];
  const shown = (value: unknown): string => (value === undefined ? "nothing" : JSON.stringify(value));
  return [`${path}: expected ${shown(wanted)}, got ${shown(found)}`];
}

function isFields(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === "object" && value !== null;
}
