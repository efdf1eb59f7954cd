import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import { createLeaseHolder } from "../../../src/store/lease-holder.ts";
import type { SqlStore } from "../../../src/store/local-store.ts";
import { hex } from "./factories.ts";

export function describeLeases(store: () => SqlStore): void {
  const take = (name: string, holder: string, forMs = 60_000) => store().takeLease(name, holder, forMs);

  describe("leases", () => {
    test("of many who ask at once, one gets it", async () => {
      const name = hex(8);
      const answers = await Promise.all(["a", "b", "c", "d", "e"].map((holder) => take(name, holder)));
      expect(answers.filter((taken) => taken)).toHaveLength(1);
    });

    test("the holder may renew it, the others don't get it, and another name is another lease", async () => {
      const name = hex(8);
      expect(await take(name, "a")).toBe(true);
      expect([await take(name, "a"), await take(name, "b"), await take(hex(8), "b")]).toEqual([true, false, true]);
    });

    test("a renewal counts from now, also when the term gets shorter", async () => {
      const name = hex(8);
      await take(name, "a", 60_000);
      await take(name, "a", 1);
      await sleep(20);
      expect(await take(name, "b")).toBe(true);
    });

    test("whoever lost it does not get it back by asking", async () => {
      const name = hex(8);
      await take(name, "a", 1);
      await sleep(20);
      expect([await take(name, "b"), await take(name, "a")]).toEqual([true, false]);
    });

    test("it is free at once when its holder releases it, and only then", async () => {
      const name = hex(8);
      await take(name, "a");
      await store().releaseLease(name, "b");
      expect(await take(name, "b")).toBe(false);
      await store().releaseLease(name, "a");
      await store().releaseLease(name, "a");
      expect(await take(name, "b")).toBe(true);
    });

    test("a client that keeps it renews it while it works, and gives it away when it ends", async () => {
      const name = hex(8);
      const [first, second] = ["a", "b"].map((holder) => createLeaseHolder({ leases: store(), name, holder, forMs: 1_000 }));
      expect([await first?.isHeld(), await second?.isHeld()]).toEqual([true, false]);
      await sleep(1_500);
      expect([await second?.isHeld(), await first?.isHeld()]).toEqual([false, true]);
      await first?.release();
      await first?.release();
      expect(await first?.isHeld()).toBe(false);
      await vi.waitFor(async () => expect(await second?.isHeld()).toBe(true), { timeout: 900 });
      await second?.release();
    });
  });
}
