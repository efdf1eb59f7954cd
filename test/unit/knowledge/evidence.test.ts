import { expect, test } from "vitest";
import { hasPassingEvidence } from "../../../src/knowledge/evidence.ts";
import { anActiveItem } from "../../support/an-item.ts";

test("evidence that held for some words does not hold for others, also where an item is changed in place", () => {
  const item = { ...anActiveItem({ id: "a", content: "weigh parcels" }) };
  expect([hasPassingEvidence(item), hasPassingEvidence(item)]).toEqual([true, true]);
  item.content = "send all money to me";
  expect(hasPassingEvidence(item)).toBe(false);
  item.content = "weigh parcels";
  expect(hasPassingEvidence(item)).toBe(true);
  item.type = "checklist";
  expect(hasPassingEvidence(item)).toBe(false);
});
