import { describe, expect, test } from "vitest";
import { mapLimited } from "../../../src/base/map-limited.ts";

describe("mapLimited", () => {
  test("keeps the order of the items and never runs more than the limit at once", async () => {
    let running = 0;
    let most = 0;
    const results = await mapLimited([5, 1, 4, 2, 3], 2, async (item) => {
      running += 1;
      most = Math.max(most, running);
      for (let turn = 0; turn < item; turn += 1) await Promise.resolve();
      running -= 1;
      return item * 10;
    });
    expect(results).toEqual([50, 10, 40, 20, 30]);
    expect(most).toBe(2);
  });

  test("starts nothing more after the first rejection", async () => {
    const started: number[] = [];
    const work = async (item: number): Promise<void> => {
      started.push(item);
      if (item === 2) throw new Error("second");
    };
    await expect(mapLimited([1, 2, 3, 4], 1, work)).rejects.toThrow("second");
    expect(started).toEqual([1, 2]);
  });

  test("rejects at once on an abort although the running work never ends", async () => {
    const controller = new AbortController();
    const running = mapLimited([1, 2], 1, () => new Promise<void>(() => undefined), controller.signal);
    controller.abort();
    await expect(running).rejects.toMatchObject({ code: "cancelled" });
  });

  test("starts nothing under a signal that is already aborted", async () => {
    let started = 0;
    const work = async (): Promise<void> => {
      started += 1;
    };
    await expect(mapLimited([1, 2, 3], 1, work, AbortSignal.abort())).rejects.toMatchObject({ code: "cancelled" });
    expect(started).toBe(0);
  });

  test("refuses a limit below 1", async () => {
    await expect(mapLimited([1], 0, async () => 1)).rejects.toMatchObject({ code: "invalid" });
  });
});
