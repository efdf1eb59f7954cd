import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isLearnError } from "../../../src/base/error.ts";
import { injectable } from "../../../src/knowledge/injectable.ts";
import type { KnowledgeItem, KnowledgeStatus } from "../../../src/knowledge/knowledge-item.ts";
import {
  activate,
  approve,
  deprecate,
  type Edition,
  edit,
  pin,
  recordValidation,
  reject,
  restore,
  type Transition,
  unpin,
} from "../../../src/knowledge/life-cycle.ts";
import { recheck } from "../../../src/knowledge/recheck.ts";
import { anActiveItem, anItem, aValidation, NOW_US } from "../../support/an-item.ts";

const ADA = { actor: "cli:ada", atUs: NOW_US + 5, reason: "checked by hand" };
const LEARNER = { actor: "learner", atUs: NOW_US + 5, reason: "by the figures" };
const STATUSES: readonly KnowledgeStatus[] = ["candidate", "validated", "active", "deprecated", "archived"];

function inStatus(status: KnowledgeStatus, overrides: Partial<KnowledgeItem> = {}): KnowledgeItem {
  return anActiveItem({ status, ...overrides });
}

/** Every transition, with the statuses it may start from and where it leads. */
const TABLE: readonly (readonly [string, (item: KnowledgeItem) => Transition, { readonly [from in KnowledgeStatus]?: KnowledgeStatus }])[] =
  [
    ["recordValidation (pass)", (item) => recordValidation(item, aValidation(item), LEARNER), { candidate: "validated" }],
    ["activate", (item) => activate(item, LEARNER), { validated: "active" }],
    ["approve", (item) => approve(item, { ...ADA, validationId: "v-9" }), { candidate: "active", validated: "active" }],
    ["reject", (item) => reject(item, ADA), { candidate: "archived", validated: "archived", active: "archived", deprecated: "archived" }],
    ["edit", (item) => edit(item, { content: "new words" }, ADA), { candidate: "candidate", validated: "candidate", active: "candidate" }],
    ["pin", (item) => pin(item, ADA), { active: "active" }],
    ["deprecate", (item) => deprecate(item, ADA), { validated: "deprecated", active: "deprecated" }],
    ["restore", (item) => restore(item, ADA), { deprecated: "candidate", archived: "candidate" }],
  ];

describe.each(TABLE)("%s", (_name, apply, legal) => {
  test.each(STATUSES)("from %s leads where the table says, or is refused with the status and a command", (status) => {
    const item = inStatus(status);
    const target = legal[status];
    if (target !== undefined) {
      expect(apply(item).item.status).toBe(target);
      return;
    }
    try {
      apply(item);
      expect.unreachable();
    } catch (caught) {
      if (!isLearnError(caught)) throw caught;
      expect(caught.code).toBe("conflict");
      expect(caught.message).toContain(`it is ${status}`);
      expect(caught.hint).toMatch(/^agentlearn knowledge \w+ 8a9f4e2b/);
    }
  });

  test("adds one version, names who and when, and leaves the item it was given alone", () => {
    const status = Object.keys(legal)[0] as KnowledgeStatus;
    const item = Object.freeze(inStatus(status, { version: 4 }));
    const { item: after, entry } = apply(item);
    expect(after).toMatchObject({ version: 5, updatedAtUs: NOW_US + 5, createdAtUs: NOW_US });
    expect(entry).toMatchObject({ itemId: item.id, version: 5, atUs: NOW_US + 5 });
    expect(entry.actor).toMatch(/cli:ada|learner/);
    for (const [field, [before]] of Object.entries(entry.changes)) {
      if (field !== "validation") expect(before).toEqual(item[field as keyof KnowledgeItem]);
    }
  });
});

describe("recordValidation", () => {
  const regression = {
    caseId: "c",
    task: "t",
    baselineScore: 1,
    candidateScore: 0,
    replicates: 2,
    replicateScores: [
      [1, 0],
      [1, 0],
    ],
    confirmedRegression: true,
  } as const;

  test.each([
    ["pass", {}, "validated", "validate"],
    ["too little evidence", { decision: "refuse" }, "candidate", "refuse"],
    ["confirmed harm", { decision: "refuse", pairs: [regression] }, "archived", "refuse"],
    ["a person's no", { decision: "refuse", kind: "human" }, "archived", "refuse"],
    ["inconclusive", { decision: "inconclusive" }, "candidate", "validate"],
  ] as const)("after %s the item is where it belongs, with the reason in its history", (_what, overrides, status, action) => {
    const item = anItem();
    const { item: after, entry } = recordValidation(item, aValidation(item, { ...overrides, reason: "the figures" }), LEARNER);
    expect(after.status).toBe(status);
    expect(entry).toMatchObject({ action, reason: "the figures" });
    expect(entry.changes["validation"]).toEqual([null, "v-1"]);
  });

  test("refuses a certificate about another item", () => {
    const other = aValidation(anItem({ id: "another-id" }));
    expect(() => recordValidation(anItem(), other, LEARNER)).toThrow("about another item");
  });

  test("refuses a certificate about words that were edited meanwhile", () => {
    const tested = anItem();
    const edited = edit(tested, { content: "DROP TABLE users" }, ADA).item;
    expect(() => recordValidation(edited, aValidation(tested), LEARNER)).toThrow("edited while it was tested");
  });
});

describe("approve", () => {
  test("of a candidate makes the person the evidence", () => {
    const { item, validation } = approve(anItem(), { ...ADA, validationId: "v-9" });
    expect(validation).toMatchObject({ id: "v-9", kind: "human", decision: "pass", actor: "cli:ada", reason: "checked by hand" });
    expect(item.validation).toEqual(validation);
    expect(recheck(validation as NonNullable<typeof validation>)).toEqual({ ok: true, problems: [] });
    expect(injectable(item)).toBeDefined();
  });

  test("of a validated item keeps the certificate of the test", () => {
    const { item, validation } = approve(inStatus("validated"), { ...ADA, validationId: "v-9" });
    expect(validation).toBeUndefined();
    expect(item.validation?.id).toBe("v-1");
  });

  test("of a candidate needs a reason", () => {
    expect(() => approve(anItem(), { actor: "cli:ada", atUs: 1, reason: "  ", validationId: "v" })).toThrow("a reason is needed");
  });

  test.each(["learner", "api", ""])("is not for %j", (actor) => {
    expect(() => approve(anItem(), { ...ADA, actor, validationId: "v" })).toThrow();
    expect(() => approve(inStatus("validated"), { ...ADA, actor, validationId: "v" })).toThrow();
  });
});

test("activate refuses a validated item whose certificate did not pass", () => {
  const item = inStatus("validated");
  const bad = { ...item, validation: aValidation(item, { decision: "inconclusive" }) };
  expect(() => activate(bad, LEARNER)).toThrow("no passing certificate");
});

describe.each([
  ["reject", (item: KnowledgeItem, reason: string) => reject(item, { ...ADA, reason })],
  ["deprecate", (item: KnowledgeItem, reason: string) => deprecate(item, { ...ADA, reason })],
  ["edit", (item: KnowledgeItem, reason: string) => edit(item, { content: "other" }, { ...ADA, reason })],
] as const)("%s", (_name, apply) => {
  test("needs a reason and keeps it", () => {
    expect(() => apply(inStatus("active"), " ")).toThrow("a reason is needed");
    expect(apply(inStatus("active"), "because").entry.reason).toBe("because");
  });
});

describe("edit", () => {
  test("takes the evidence away, because it belonged to the other text", () => {
    const { item, entry } = edit(anActiveItem(), { content: "new words" }, ADA);
    expect("validation" in item).toBe(false);
    expect(entry.changes).toMatchObject({
      content: ["position column is TEXT — use '1' not 1", "new words"],
      status: ["active", "candidate"],
      validation: ["v-1", null],
    });
  });

  test("refuses empty and unchanged words", () => {
    expect(() => edit(anItem(), { content: " " }, ADA)).toThrow("is empty");
    expect(() => edit(anItem(), { content: anItem().content }, ADA)).toThrow("already says that");
  });
});

describe("pin", () => {
  test.each(["user", "tool"] as const)("of words that quote %s text needs a named person", (taint) => {
    const item = anActiveItem({ taint: [taint] });
    expect(() => pin(item, LEARNER)).toThrow(`it quotes ${taint} text`);
    expect(pin(item, ADA).item.priority).toBe("pinned");
  });

  test("of words that a model wrote needs none", () => {
    expect(pin(anActiveItem({ taint: ["model"] }), LEARNER).item.priority).toBe("pinned");
  });

  test("twice, and unpin of what is not pinned, are conflicts", () => {
    expect(() => pin(anActiveItem({ priority: "pinned" }), ADA)).toThrow("already pinned");
    expect(() => unpin(anActiveItem(), ADA)).toThrow("is not pinned");
  });

  test("ends when the item leaves the active state", () => {
    const { item, entry } = deprecate(anActiveItem({ priority: "pinned" }), ADA);
    expect(item.priority).toBe("normal");
    expect(entry.changes["priority"]).toEqual(["pinned", "normal"]);
  });
});

describe("injectable", () => {
  test("is only what is active and carries a pass about itself and its text", () => {
    const item = anActiveItem();
    expect(injectable(item)).toBe(item);
    expect(injectable({ ...item, status: "validated" })).toBeUndefined();
    expect(injectable({ ...item, content: "other words" })).toBeUndefined();
    expect(injectable({ ...item, id: "other" })).toBeUndefined();
    expect(injectable({ ...item, validation: aValidation(item, { decision: "refuse" }) })).toBeUndefined();
    expect(injectable(anItem({ status: "active" }))).toBeUndefined();
  });

  test("whatever is done to an item, what is injectable was tested or vouched for in these words", () => {
    const steps: ((item: KnowledgeItem) => KnowledgeItem)[] = [
      ...TABLE.map(
        ([, apply]) =>
          (item: KnowledgeItem) =>
            apply(item).item,
      ),
      (item) => recordValidation(item, aValidation(item, { decision: "refuse" }), LEARNER).item,
      (item) => recordValidation(item, aValidation(item, { decision: "inconclusive" }), LEARNER).item,
      (item) => edit(item, { content: `${item.content}!` }, LEARNER).item,
      (item) => unpin(item, LEARNER).item,
    ];
    fc.assert(
      fc.property(fc.array(fc.nat(steps.length - 1), { maxLength: 30 }), (plan) => {
        let item = anItem();
        const vouched = new Set<string>();
        for (const index of plan) {
          try {
            item = (steps[index] as (item: KnowledgeItem) => KnowledgeItem)(item);
          } catch {
            continue;
          }
          if (item.validation?.decision === "pass") vouched.add(item.content);
          if (injectable(item) !== undefined) expect(vouched.has(item.content)).toBe(true);
          if (item.status === "active") expect(injectable(item)).toBeDefined();
          if (item.priority === "pinned") expect(item.status).toBe("active");
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe("what an edit leaves of the evidence", () => {
  const active = (): KnowledgeItem => anActiveItem({ agentName: "biller", tags: ["sql"] });
  const edited = (edition: Partial<Edition>) => edit(active(), { content: active().content, ...edition }, ADA);

  test.each<[string, Partial<Edition>]>([
    ["the condition", { appliesWhen: "always" }],
    ["the type", { type: "checklist" }],
    ["a wider scope", { scope: {} }],
    ["another scope", { scope: { agentName: "shipper" } }],
  ])("none after %s", (_what, edition) => {
    const { item } = edited(edition);
    expect([item.status, item.validation]).toEqual(["candidate", undefined]);
  });

  test.each<[string, Partial<Edition>]>([
    ["tags", { tags: ["sql", "money"] }],
    ["a narrower scope", { scope: { agentName: "biller", tenant: "north" } }],
  ])("all of it after %s", (_what, edition) => {
    const { item } = edited(edition);
    expect(injectable(item)).toBeDefined();
  });

  test("a scope that is taken away is gone, and the history has both", () => {
    const { item, entry } = edited({ scope: { service: "shop" } });
    expect(item).not.toHaveProperty("agentName");
    expect(entry.changes).toMatchObject({ agentName: ["biller", null], service: [null, "shop"] });
  });

  test("equal tags are no change", () => {
    expect(() => edited({ tags: ["sql"] })).toThrow("already says that");
  });
});
