/**
 * Sends one small good request after another, in a process of its own so that what the figure does besides cannot delay it, and says on its standard
 * output, as JSON lines, what each took: [sent at (ms since the epoch), answered after (ms), status]. Ends when its standard input does.
 */
import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

const [, , url, everyMs] = process.argv;
const agent = new Agent({ keepAlive: true });
let ended = false;
process.stdin.on("data", () => {}).on("end", () => (ended = true));

for (let number = 1; !ended; number += 1) {
  const traceId = number.toString(16).padStart(32, "f");
  const spans = [{ traceId, spanId: number.toString(16).padStart(16, "f"), name: "probe", startTimeUnixNano: "1", endTimeUnixNano: "2" }];
  const body = JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] });
  const sentAt = performance.timeOrigin + performance.now();
  const status = await post(body);
  process.stdout.write(`${JSON.stringify([sentAt, performance.timeOrigin + performance.now() - sentAt, status])}\n`);
  await sleep(Number(everyMs));
}
agent.destroy();

function post(body) {
  return new Promise((resolve) => {
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    const outgoing = request(`${url}/v1/traces`, { method: "POST", agent, headers }, (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode));
      response.on("error", () => resolve(0));
    });
    outgoing.on("error", () => resolve(0));
    outgoing.end(body);
  });
}
