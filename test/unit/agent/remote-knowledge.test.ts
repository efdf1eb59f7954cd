import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { createRemoteKnowledge } from "../../../src/agent/remote-knowledge.ts";
import { anActiveItem } from "../../support/an-item.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A remote over a server that answers everything with this body. */
async function answering(body: unknown) {
  const paths: string[] = [];
  const server = createServer((request, response) => {
    paths.push(request.url ?? "");
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { paths, remote: createRemoteKnowledge({ apiUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }) };
}

test("asks for what came after, and takes the items as they are told", async () => {
  const { id, type, content, appliesWhen, priority, createdAtUs, counts } = anActiveItem();
  const validation = { itemId: id, kind: "statistical", decision: "pass", wins: 9, contentDigest: "d" };
  const item = { id, type, content, appliesWhen, priority, status: "active", createdAtUs, counts, validation, tenant: "north" };
  const told = {
    changes: [
      { seq: 8, id, item },
      { seq: 9, id: "gone" },
    ],
    seq: 9,
    more: false,
  };
  const { paths, remote } = await answering(told);
  expect(await remote.knowledgeChanges(7, 100)).toEqual(told);
  expect(paths).toEqual(["/api/v1/knowledge/changes?since=7&limit=100"]);
});

test.each([
  ["no JSON", "<html>"],
  ["an item that is not active", { changes: [{ seq: 1, id: "a", item: { ...anActiveItem(), status: "candidate" } }], seq: 1, more: false }],
  ["an item without words", { changes: [{ seq: 1, id: "a", item: { id: "a" } }], seq: 1, more: false }],
  ["too much", " ".repeat(16_000_001)],
])("refuses %s", async (_what, body) => {
  await expect((await answering(body)).remote.knowledgeChanges(0, 1)).rejects.toThrow();
});
