import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { encodeStatus, encodeSuccess } from "../../../collector/otlp/answer.ts";
import type { PlacedMessage } from "../../../src/backfill/backfill.ts";
import { frameMessages, otlpJsonMessages } from "../../../src/backfill/otlp-message.ts";
import { createSender, type Sender } from "../../../src/backfill/send-otlp.ts";
import { jsonOf, NOW_US, protobufOf } from "./files.ts";

interface Seen {
  readonly url: string | undefined;
  readonly type: string | undefined;
  readonly token: string | undefined;
  readonly bytes: number;
}

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A receiver that answers by a list, and 200 after it. */
async function receiver(...answers: ((response: ServerResponse) => void)[]): Promise<{ readonly url: string; readonly seen: Seen[] }> {
  const seen: Seen[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    let bytes = 0;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
    });
    request.on("end", () => {
      const { url, headers } = request;
      seen.push({ url, type: headers["content-type"], token: headers["x-token"] as string | undefined, bytes });
      (answers[seen.length - 1] ?? ((answer) => answer.end()))(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(
    () => server.closeAllConnections(),
    () => server.close(),
  );
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

const says =
  (status: number, headers: Record<string, string> = {}, body: string | Uint8Array = "") =>
  (response: ServerResponse): void => {
    response.writeHead(status, headers).end(body);
  };

const placed = (place: string): PlacedMessage => ({ ...(otlpJsonMessages(jsonOf(), NOW_US)[0] as PlacedMessage), place });

function sender(url: string, notes: string[] = [], signal = new AbortController().signal): Sender {
  return createSender({ url, headers: { "x-token": "t" }, signal, waitsMs: [1, 1], onRetry: (text) => notes.push(text) });
}

test("each request goes to the path of its signal, as it is in the file and with the given headers", async () => {
  const { url, seen } = await receiver();
  const proto = frameMessages(protobufOf(), NOW_US)[0] as PlacedMessage;
  await sender(`${url}/`).deliver([placed("a line 1"), { ...proto, place: "b message 1" }]);
  expect(seen).toEqual([
    { url: "/v1/traces", type: "application/json", token: "t", bytes: placed("").body.body.length },
    { url: "/v1/traces", type: "application/x-protobuf", token: "t", bytes: proto.body.body.length },
  ]);
});

test("a url that already has the path of a signal is taken for its base", async () => {
  const { url, seen } = await receiver();
  await sender(`${url}/otlp/v1/traces`).deliver([placed("a line 1")]);
  expect(seen[0]?.url).toBe("/otlp/v1/traces");
});

describe("what a receiver asks to try again", () => {
  test.each([429, 502, 503, 504])("%d is tried again until it is taken", async (status) => {
    const notes: string[] = [];
    const { url, seen } = await receiver(says(status), says(status));
    await sender(url, notes).deliver([placed("a line 7")]);
    expect(seen).toHaveLength(3);
    expect(notes[0]).toContain(`a line 7: ${status}`);
  });

  test("waits as long as Retry-After says, in seconds or as a date", async () => {
    const { url } = await receiver(says(503, { "retry-after": "1" }));
    const started = performance.now();
    await sender(url).deliver([placed("a line 1")]);
    expect(performance.now() - started).toBeGreaterThanOrEqual(950);

    const date = await receiver(says(429, { "retry-after": new Date(Date.now() + 2_000).toUTCString() }));
    const again = performance.now();
    await sender(date.url).deliver([placed("a line 1")]);
    expect(performance.now() - again).toBeGreaterThanOrEqual(900);
  });

  test("is given up after a bounded number of tries, with place and reason", async () => {
    const { url, seen } = await receiver(...Array.from({ length: 9 }, () => says(503)));
    await expect(sender(url).deliver([placed("a line 7")])).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringMatching(/^a line 7: .*in 3 tries: 503/),
    });
    expect(seen).toHaveLength(3);
  });

  test("is given up at once when it asks to wait for an hour", async () => {
    const { url, seen } = await receiver(says(429, { "retry-after": "3600" }));
    await expect(sender(url).deliver([placed("a line 7")])).rejects.toThrow("asks to wait 3600 s");
    expect(seen).toHaveLength(1);
  });

  test("ends waiting when it is interrupted", async () => {
    const abort = new AbortController();
    const { url } = await receiver(says(503, { "retry-after": "30" }));
    const sending = sender(url, [], abort.signal).deliver([placed("a line 7")]);
    setTimeout(() => abort.abort(), 50);
    await expect(sending).rejects.toMatchObject({ code: "cancelled" });
  });

  test("includes a receiver that is not there", async () => {
    await expect(sender("http://127.0.0.1:1").deliver([placed("a line 7")])).rejects.toMatchObject({ code: "unavailable" });
  });
});

describe("what a receiver refuses", () => {
  test.each([400, 401, 404, 413, 500, 302])("%d stops it at the first try, with file and line", async (status) => {
    const { url, seen } = await receiver(says(status, status === 302 ? { location: "/" } : {}));
    await expect(sender(url).deliver([placed("a line 7")])).rejects.toMatchObject({
      code: "invalid",
      message: expect.stringMatching(new RegExp(`^a line 7: .*refused it: ${status}`)),
    });
    expect(seen).toHaveLength(1);
  });

  test.each(["application/json", "application/x-protobuf"] as const)("is quoted from a Status in %s", async (type) => {
    const status = encodeStatus({ grpcCode: 3, message: "no trace id", retryable: false }, type);
    const { url } = await receiver(says(400, { "content-type": type }, status));
    await expect(sender(url).deliver([placed("a line 7")])).rejects.toThrow("no trace id");
  });

  test("is no fault of ours when it is a page of a proxy", async () => {
    const { url } = await receiver(says(403, { "content-type": "text/html" }, "<html>no</html>"));
    await expect(sender(url).deliver([placed("a line 7")])).rejects.toThrow("403 Forbidden");
  });

  test.each(["application/json", "application/x-protobuf"] as const)("inside a request it took is counted, in %s", async (type) => {
    const body = encodeSuccess("traces", type, { kind: "accepted", rejected: 3, message: "bad ids" });
    const { url } = await receiver(says(200, { "content-type": type }, body));
    const target = sender(url);
    await target.deliver([placed("a line 1"), placed("a line 2")]);
    expect(target.refusedItems()).toBe(3);
  });
});
