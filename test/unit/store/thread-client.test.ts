import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { createThreadClient } from "../../../src/store/thread-client.ts";
import { aBody } from "../../contract/store/factories.ts";
import { temporaryFolder } from "./temporary.ts";

const inFolder = temporaryFolder();

function clientOf(name: string, source: string) {
  const file = inFolder(`${name}.mjs`);
  writeFileSync(file, `import { parentPort } from "node:worker_threads"; ${source}`);
  const log: string[] = [];
  const client = createThreadClient({
    workerData: { name: "test", mode: "own", url: "unused" },
    entry: pathToFileURL(file),
    onSettled: () => undefined,
    report: (message) => void log.push(message),
    onLost: () => void log.push("lost"),
  });
  return { client, log };
}

test("a thread that crashes rejects what waits, says so, and starts again after a while", async () => {
  const crash =
    'parentPort.on("message", ({ id, method }) => { if (method === "check") throw new Error("boom"); parentPort.postMessage({ kind: "answers", answers: [{ id, value: 7 }] }); });';
  const { client, log } = clientOf("crash", crash);
  expect(await client.call("status", [])).toBe(7);
  await expect(client.call("check", [])).rejects.toMatchObject({ code: "unavailable", message: expect.stringContaining("boom") });
  expect(log).toEqual(["the writer thread failed: boom", "lost"]);
  expect(client.submit({ kind: "submit", body: aBody(), spans: 1 })).toBe(false);
  await expect(client.call("status", [])).rejects.toMatchObject({ code: "unavailable" });
  await expect.poll(() => client.call("status", []).catch(() => 0), { timeout: 5_000 }).toBe(7);
  await client.close();
});

test("a thread that ends without a word rejects what waits", async () => {
  const { client } = clientOf("exit", 'parentPort.on("message", () => process.exit(3));');
  await expect(client.call("status", [])).rejects.toMatchObject({ code: "unavailable" });
  await client.close();
});

test("a call that cannot be cloned is 'invalid' and leaves the thread alive", async () => {
  const { client, log } = clientOf(
    "echo",
    'parentPort.on("message", ({ id }) => parentPort.postMessage({ kind: "answers", answers: [{ id, value: 7 }] }));',
  );
  await expect(client.call("status", [() => 1])).rejects.toMatchObject({ code: "invalid" });
  expect(await client.call("status", [])).toBe(7);
  expect(log).toEqual([]);
  await client.close();
});
