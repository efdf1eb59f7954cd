// A process of its own around a store: takes one JSON command per line on stdin, answers one JSON line on stdout.
import { createInterface } from "node:readline";
import { openStore, openWriter } from "../../../dist/src/store/open.js";

let store;
let writer;
const commands = {
  open: async (options) => {
    store = await openStore(options);
  },
  writer: async (options) => {
    writer = openWriter(options);
    store = writer.store;
  },
  call: async ({ method, args }) => (await store[method](...args)) ?? null,
  append: async ({ text }) => {
    const body = {
      format: "otlp-json",
      signal: "traces",
      encoding: "identity",
      body: new TextEncoder().encode(text),
      receivedAtUs: 1,
      traceIds: [],
    };
    await store.appendBodies([body]);
  },
  submit: async ({ batch }) => writer.sink.submit(batch),
  flush: async ({ timeoutMs }) => writer.sink.flush(timeoutMs),
  counts: async () => writer.sink.counts(),
  close: async () => (writer === undefined ? store?.close() : writer.close()),
  exit: async () => process.stdin.destroy(),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { id, command, options } = JSON.parse(line);
  commands[command](options).then(
    (value) => process.stdout.write(`${JSON.stringify({ id, value: value ?? null })}\n`),
    ({ code, message, hint }) => process.stdout.write(`${JSON.stringify({ id, error: { code, message, hint } })}\n`),
  );
}
