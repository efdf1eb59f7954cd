import { expect, test } from "vitest";
import { createTurn } from "../../../src/store/turn.ts";

/** A thread on which time passes only by waiting and by `work`. */
function aThread(bytesPerMs: number) {
  let nowMs = 0;
  const waits: number[] = [];
  const turn = createTurn({
    nowMs: () => nowMs,
    arrivedBytes: () => nowMs * bytesPerMs,
    wait: async (ms) => {
      waits.push(ms);
      nowMs += ms;
    },
  });
  const work = async (ms: number, mappedBytes: number, times: number) => {
    for (let count = 0; count < times; count += 1) {
      nowMs += ms;
      await turn(mappedBytes);
    }
  };
  return { work, waits, pause: (ms: number) => (nowMs += ms) };
}

const sumOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);

test("mapping stops for a tenth of its time at most while it keeps up", async () => {
  const { work, waits } = aThread(10);
  await work(20, 400, 100);
  expect(sumOf(waits) / (sumOf(waits) + 100 * 20)).toBeLessThan(0.12);
});

// Sixteen clients over loopback had 6,700 of 23,000 spans a second answered: they sent no more than mapping left room for, so it seemed to keep up.
test("clients that send when they are answered are not taken for few", async () => {
  let [nowMs, arrived] = [0, 0];
  const waits: number[] = [];
  const turn = createTurn({
    nowMs: () => nowMs,
    arrivedBytes: () => arrived,
    wait: async (ms) => {
      waits.push(ms);
      nowMs += ms;
      arrived += ms * 100;
    },
  });
  for (let count = 0; count < 20; count += 1) {
    nowMs += 20;
    await turn(400);
  }
  expect(sumOf(waits.slice(-2))).toBe(180);
});

test("when more arrives than can be mapped, appends get nine parts in ten", async () => {
  const { work, waits } = aThread(100);
  await work(20, 400, 50);
  expect(sumOf(waits.slice(-20))).toBe(10 * 180);
});

test("when slightly more arrives than can be mapped, mapping gives up little of its time", async () => {
  const { work, waits } = aThread(24);
  await work(20, 400, 100);
  const waited = sumOf(waits.slice(-50));
  expect(waited).toBeGreaterThan(0);
  expect(waited / (waited + 25 * 20)).toBeLessThan(0.5);
});

// At 5,000 spans a second in bodies of 512, most looks of 20 ms saw nothing and some saw a body: eight of them on average were often more than could be
// mapped, and mapping then waited nine times as long as it had worked.
test("large bodies that come seldom are not taken for a flood", async () => {
  const [bodyBytes, everyMs, bytesPerMs] = [400, 100, 5];
  let nowMs = 0;
  const waits: number[] = [];
  const turn = createTurn({
    nowMs: () => nowMs,
    arrivedBytes: () => Math.floor(nowMs / everyMs) * bodyBytes,
    wait: async (ms) => {
      waits.push(ms);
      nowMs += ms;
    },
  });
  for (let count = 0; count < 400; count += 1) {
    nowMs += bodyBytes / bytesPerMs;
    await turn(bodyBytes);
  }
  expect(sumOf(waits) / nowMs).toBeLessThan(0.2);
});

test("mapping goes on at once soon after the flood has ended", async () => {
  let rate = 100;
  let [nowMs, arrived] = [0, 0];
  const waits: number[] = [];
  const pass = (ms: number) => {
    nowMs += ms;
    arrived += ms * rate;
  };
  const turn = createTurn({
    nowMs: () => nowMs,
    arrivedBytes: () => arrived,
    wait: async (ms) => {
      waits.push(ms);
      pass(ms);
    },
  });
  const work = async (times: number) => {
    for (let count = 0; count < times; count += 1) {
      pass(20);
      await turn(400);
    }
  };
  await work(50);
  rate = 0;
  await work(60);
  expect([sumOf(waits.slice(98, 100)), waits.at(-1)]).toEqual([180, 0]);
});

test("the first turn after a long pause does not wait for as long again", async () => {
  const { work, waits, pause } = aThread(100);
  await work(20, 400, 20);
  pause(60_000);
  await work(20, 400, 1);
  expect(waits.at(-1)).toBeLessThanOrEqual(500);
});
