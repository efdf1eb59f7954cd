import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, test } from "vitest";
import { openRacingDemo } from "../../src/cli/racing-demo.ts";

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), "agentlearn-demo-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const withoutModel = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("OPENAI_")));

interface Report {
  readonly tasks: number;
  readonly before: { readonly accuracy: number };
  readonly after: { readonly accuracy: number };
  readonly plantedRefused: boolean;
  readonly durationMs: number;
  readonly items: readonly {
    readonly status: string;
    readonly verdict: string;
    readonly heldBy?: unknown;
    readonly analyzer: string;
    readonly sourceTraceIds: readonly string[];
    readonly reason: string;
    readonly broke: readonly unknown[];
  }[];
}

describe("npm run demo", () => {
  test("fails first, learns, refuses the planted harm, and gets better; within a minute", async () => {
    const { stdout } = await run(
      process.execPath,
      ["dist/src/cli/main.js", "demo", "--json", "--store", `file:${join(folder, "cli.db")}`],
      { env: withoutModel },
    );
    const report = JSON.parse(stdout) as Report;
    expect(report.tasks).toBeGreaterThanOrEqual(30);
    expect(report.before.accuracy).toBeGreaterThanOrEqual(0.5);
    expect(report.before.accuracy).toBeLessThanOrEqual(0.75);
    expect(report.after.accuracy).toBeGreaterThan(report.before.accuracy + 0.2);
    expect(report.plantedRefused).toBe(true);
    expect(
      report.items
        .filter(({ status }) => status === "active")
        .every(({ analyzer, sourceTraceIds }) => analyzer !== "planted" && sourceTraceIds.length > 0),
    ).toBe(true);
    expect(report.items.find(({ analyzer }) => analyzer === "planted")?.broke.length).toBeGreaterThan(0);
    // Five lessons win and get along; one of them was once taken for a contradiction of another column's.
    const mined = report.items.filter(({ analyzer }) => analyzer === "recovery");
    expect(mined.map(({ status, verdict, heldBy }) => [status, verdict, heldBy])).toEqual(mined.map(() => ["active", "passed", undefined]));
    expect(mined.length).toBeGreaterThanOrEqual(5);
    expect(report.durationMs).toBeLessThan(60_000);
  });

  test("without the learned items the old failures are back", async () => {
    const demo = await openRacingDemo({ storePath: join(folder, "removed.db") });
    try {
      const failed = (results: Awaited<ReturnType<typeof demo.runTasks>>) =>
        results.filter(({ score }) => score !== 1).map(({ task }) => task.id);
      const before = failed(await demo.runTasks(() => {}));
      await demo.learnFromRuns(() => {});
      const after = failed(await demo.runTasks(() => {}));
      for (const item of await demo.items()) await demo.learn.knowledge.remove(item.id);
      const removed = failed(await demo.runTasks(() => {}));
      expect(after.length).toBeLessThan(before.length);
      expect(removed).toEqual(before);
    } finally {
      await demo.close();
    }
  });
});
