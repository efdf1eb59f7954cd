import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { createRemoteKnowledge } from "../../../src/agent/remote-knowledge.ts";

// The task stands in the URL, and servers refuse a request line beyond 16 KiB: an agent with long tasks never got any knowledge.
test.each([
  ["plain", "How do I weigh a parcel? ".repeat(2_000)],
  ["of many bytes a character", "計り方 ☂ ".repeat(5_000)],
  ["of surrogate pairs", "😀".repeat(10_000)],
])("a long task (%s) still gets knowledge", async (_what, task) => {
  const server = createServer((request, response) => {
    const asked = new URL(request.url ?? "/", "http://localhost").searchParams.get("task") ?? "";
    response.end(
      JSON.stringify({ text: task.startsWith(asked) && asked.length > 500 ? "K" : "", given: [], withheld: [], withholdProbability: 0 }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const remote = createRemoteKnowledge({ apiUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
    expect((await remote.knowledge({ task, seed: "ab".repeat(16) })).text).toBe("K");
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
