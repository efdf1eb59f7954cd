import { parentPort } from "node:worker_threads";
import { fromUnknown } from "../../src/base/error.ts";
import { inflateBody } from "../../src/span/otlp/inflate.ts";
import type { InflateAnswer, InflateJob } from "./inflate-thread.ts";

parentPort?.on("message", ({ body, encoding, maxBytes }: InflateJob) => {
  try {
    const inflated = inflateBody(body, encoding, maxBytes);
    parentPort?.postMessage({ inflated } satisfies InflateAnswer);
  } catch (caught) {
    const { code, message } = fromUnknown(caught, "the body could not be decompressed", "invalid");
    parentPort?.postMessage({ code, message } satisfies InflateAnswer);
  }
});
