import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { LearnError } from "../../../src/base/error.ts";
import { createLeaseHolder } from "../../../src/store/lease-holder.ts";

const FOR_MS = 1_000;

/** A store that answers as the test says, and a clock that stands where the test puts it. */
function aHolder(answers: (() => Promise<boolean>)[]) {
  const clock = { ms: 0 };
  const asked: number[] = [];
  const released: string[] = [];
  const leases = {
    takeLease: async () => {
      asked.push(clock.ms);
      return (answers.shift() ?? (async () => false))();
    },
    releaseLease: async (name: string) => void released.push(name),
  };
  const lease = createLeaseHolder({ leases, name: "ingest", holder: "me", forMs: FOR_MS, elapsedMs: () => clock.ms });
  return { lease, clock, asked, released };
}
const yes = async () => true;
const no = async () => false;
const gone = () => Promise.reject(new LearnError("unavailable", "no server"));

test("the term counts from before the question: an answer that took long is worth less", async () => {
  const slow = aHolder([
    async () => {
      slow.clock.ms = 900;
      return true;
    },
  ]);
  expect(await slow.lease.isHeld()).toBe(true);
  slow.clock.ms = 999;
  expect(await slow.lease.isHeld()).toBe(true);
  slow.clock.ms = 1_000;
  expect(await slow.lease.isHeld()).toBe(false);
  await slow.lease.release();
});

test("while another holds it the store is asked five times a term and no more", async () => {
  const { lease, clock, asked } = aHolder([no, no, yes]);
  for (clock.ms = 0; clock.ms < 400; clock.ms += 50) expect(await lease.isHeld()).toBe(false);
  expect(asked).toEqual([0, 200]);
  clock.ms = 400;
  expect(await lease.isHeld()).toBe(true);
  await lease.release();
});

test("a store that does not answer is the caller's to report, and is asked again", async () => {
  const { lease, clock } = aHolder([gone, yes]);
  await expect(lease.isHeld()).rejects.toMatchObject({ code: "unavailable" });
  clock.ms = 200;
  expect(await lease.isHeld()).toBe(true);
  await lease.release();
});

test("a release waits for the renewal under way, which would take it again behind it", async () => {
  let answer: (taken: boolean) => void = () => undefined;
  const { lease, asked, released } = aHolder([
    yes,
    () =>
      new Promise((resolve) => {
        answer = resolve;
      }),
  ]);
  await lease.isHeld();
  while (asked.length < 2) await sleep(10);
  const releasing = lease.release();
  await sleep(10);
  expect(released).toEqual([]);
  answer(true);
  await releasing;
  expect(released).toEqual(["ingest"]);
});

test("what was never held is not released", async () => {
  const { lease, released } = aHolder([no]);
  await lease.isHeld();
  await lease.release();
  expect(released).toEqual([]);
});
