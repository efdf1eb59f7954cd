/**
 * A process that sends OTLP bodies as fast as its connections are answered, or at a rate: node span-load-child.mjs '<options as JSON>'.
 * Options: { url | grpc, spans, connections, seconds | maxSpans, rate?, json?, seed }. Every body has trace ids of its own, patched into a template,
 * so that making bodies costs next to nothing beside receiving them. Prints one line of JSON when it is done.
 */

import { Agent, request } from "node:http";
import { connect } from "node:http2";
import { setTimeout as sleep } from "node:timers/promises";
import { createTemplate } from "./span-template.mjs";
import { createRandom, quantile } from "./statistics.mjs";

const options = JSON.parse(process.argv[2]);
const {
  spans,
  connections,
  seconds = Number.POSITIVE_INFINITY,
  maxSpans = Number.POSITIVE_INFINITY,
  rate,
  json = false,
  seed = 1,
} = options;
const template = createTemplate({ spans, json, random: createRandom(seed) });
const random = createRandom(seed + 1 + process.pid);
const agent = new Agent({ keepAlive: true, maxSockets: connections });
const session = options.grpc === undefined ? undefined : connect(options.grpc);
const counts = { acknowledged: 0, refused: 0, broken: 0 };
const answersMs = [];
/** [milliseconds since the start, spans acknowledged until then], every 100,000 spans. */
const marks = [];
const bodiesPerSecond = rate === undefined ? undefined : rate / spans;
let started = 0;

const began = performance.now();
await Promise.all(Array.from({ length: connections }, client));
const elapsedMs = performance.now() - began;
session?.close();
agent.destroy();
console.log(
  JSON.stringify({
    ...counts,
    elapsedMs,
    bytes: template.bytes,
    p50Ms: quantile(answersMs, 0.5),
    p99Ms: quantile(answersMs, 0.99),
    maxMs: quantile(answersMs, 1),
    marks,
  }),
);

async function client() {
  const fresh = template.copy();
  while (performance.now() - began < seconds * 1000 && started * spans < maxSpans) {
    const due = bodiesPerSecond === undefined ? 0 : began + (started / bodiesPerSecond) * 1000;
    started += 1;
    const wait = due - performance.now();
    if (wait > 0) await sleep(wait);
    const body = fresh(random);
    // From when it was due: a client that waits for a slow answer must not hide that the next one was late.
    const from = bodiesPerSecond === undefined ? performance.now() : Math.max(due, began);
    const status = await (session === undefined ? post(body) : call(body)).catch(() => undefined);
    answersMs.push(performance.now() - from);
    if (status === 200) counts.acknowledged += spans;
    else if (status === undefined) counts.broken += 1;
    else counts.refused += 1;
    const before = marks.at(-1)?.[1] ?? 0;
    if (counts.acknowledged - before >= 100_000) marks.push([performance.now() - began, counts.acknowledged]);
  }
}

function post(body) {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": json ? "application/json" : "application/x-protobuf", "content-length": body.length };
    const outgoing = request(`${options.url}/v1/traces`, { method: "POST", agent, headers }, (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode));
      response.on("error", reject);
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

/** 200 for gRPC's own OK. */
function call(body) {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ":method": "POST",
      ":path": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
      "content-type": "application/grpc+proto",
      te: "trailers",
    });
    let status;
    stream.on("response", (headers) => (status ??= headers["grpc-status"]));
    stream.on("trailers", (headers) => (status ??= headers["grpc-status"]));
    stream.on("error", reject);
    stream.on("close", () => resolve(status === "0" ? 200 : Number(status)));
    stream.resume();
    const head = Buffer.alloc(5);
    head.writeUInt32BE(body.length, 1);
    stream.write(head);
    stream.end(body);
  });
}
