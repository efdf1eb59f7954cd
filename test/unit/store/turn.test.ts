import { expect, test } from "vitest";
import { createTurn } from "../../../src/store/turn.ts";

test("mapping goes on at once when no append waits", async () => {
  const turn = createTurn(() => false);
  await turn();
  await turn();
});

test("mapping waits while appends do, and goes on when they are through", async () => {
  let waiting = true;
  let resolved = false;
  const turn = createTurn(() => waiting);
  // What the turn before took decides how long appends may keep the next one waiting.
  for (const until = performance.now() + 40; performance.now() < until; );
  const done = turn().then(() => {
    resolved = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  const before = resolved;
  waiting = false;
  await done;
  expect([before, resolved]).toEqual([false, true]);
});

test("appends without end do not keep mapping waiting for ever", async () => {
  const turn = createTurn(() => true);
  for (let count = 0; count < 3; count += 1) await turn();
});
