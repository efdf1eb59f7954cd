import { type DiagLogger, DiagLogLevel, diag } from "@opentelemetry/api";
import { afterEach, expect, test, vi } from "vitest";
import { createReporter } from "../../../src/telemetry/report.ts";

afterEach(() => diag.disable());

function listen(warn: DiagLogger["warn"]): void {
  const silent = (): void => {};
  diag.setLogger({ error: silent, warn, info: silent, debug: silent, verbose: silent }, DiagLogLevel.WARN);
}

test("writes the first failure of a kind and counts all", () => {
  const warn = vi.fn();
  listen(warn);
  const reporter = createReporter("test");
  reporter.failure("could not copy", new Error("why"));
  reporter.failure("could not copy", new Error("why"));
  reporter.failure("could not flush");
  expect(warn.mock.calls.map(([line]) => line)).toEqual([
    "agentlearn.test: could not copy: why; further failures of this kind are only counted",
    "agentlearn.test: could not flush; further failures of this kind are only counted",
  ]);
  expect(reporter.count()).toBe(3);
});

test("survives a logger that throws", () => {
  listen(() => {
    throw new Error("full");
  });
  expect(() => createReporter("test").failure("could not copy")).not.toThrow();
});
