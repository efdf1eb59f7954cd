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

test("mapping goes on at once while it keeps up", async () => {
  const { work, waits } = aThread(10);
  await work(20, 400, 50);
  expect(Math.max(...waits)).toBe(0);
});

test("when more arrives than can be mapped, appends get nine parts in ten", async () => {
  const { work, waits } = aThread(100);
  await work(20, 400, 50);
  expect(waits.slice(-10)).toEqual(Array(10).fill(180));
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
  expect([waits[49], waits.at(-1)]).toEqual([180, 0]);
});

test("the first turn after a long pause does not wait for as long again", async () => {
  const { work, waits, pause } = aThread(100);
  await work(20, 400, 20);
  pause(60_000);
  await work(20, 400, 1);
  expect(waits.at(-1)).toBeLessThanOrEqual(500);
});
