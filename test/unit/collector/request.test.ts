import { expect, test } from "vitest";
import { defaultLimits } from "../../../collector/limits.ts";
import { createOtlpHandler } from "../../../collector/request.ts";
import { protobufTraces, SPAN_ID, TRACE_ID } from "../../support/otlp.ts";

test("a body counts as held until the store lets go of it, also when its sender was told to come back", async () => {
  let commit = (): void => {};
  const handle = createOtlpHandler({
    append: () => new Promise((resolve) => (commit = resolve)),
    clock: { nowUs: () => 0 },
    limits: { ...defaultLimits, appendTimeoutMs: 10 },
  });
  let held = true;
  const account = { take: () => {}, close: () => (held = false) };
  const body = protobufTraces([[TRACE_ID, SPAN_ID]]);
  const answer = await handle({ signal: "traces", contentType: "application/x-protobuf", encoding: "identity", body, account });
  expect([answer.kind, held]).toEqual(["refused", true]);
  commit();
  await new Promise((resolve) => setImmediate(resolve));
  expect(held).toBe(false);
});
