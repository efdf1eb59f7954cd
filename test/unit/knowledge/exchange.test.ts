import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { printable } from "../../../src/base/text.ts";
import { agentsSection, readSection, withSection } from "../../../src/knowledge/exchange/agents-section.ts";
import { exportedItem, knowledgeDocument, readDocument } from "../../../src/knowledge/exchange/document.ts";
import { type FrontMatter, readFrontMatter } from "../../../src/knowledge/exchange/front-matter.ts";
import type { IncomingItem } from "../../../src/knowledge/exchange/incoming.ts";
import { planImport } from "../../../src/knowledge/exchange/plan-import.ts";
import { readSkill, skillFile } from "../../../src/knowledge/exchange/skill-file.ts";
import { readSnapshotFile, snapshotFile } from "../../../src/knowledge/exchange/snapshot-file.ts";
import { isPerson } from "../../../src/knowledge/human-validation.ts";
import { type InjectableItem, injectable } from "../../../src/knowledge/injectable.ts";
import type { KnowledgeItem } from "../../../src/knowledge/knowledge-item.ts";
import { anActiveItem, anItem, NOW_US } from "../../support/an-item.ts";

const WHO = { actor: "cli:ada", atUs: NOW_US + 9, reason: "from a file" };
const full = anActiveItem({
  content: "Use 'a: b' # not c",
  appliesWhen: 'asked "when"',
  tags: ["sql", "a, b"],
  agentName: "biller",
  tenant: "north",
  revises: "11111111-0000-4000-8000-000000000000",
  taint: ["tool"],
  type: "anti_pattern",
});

function usable(item: KnowledgeItem): InjectableItem<KnowledgeItem> {
  const found = injectable(item);
  if (found === undefined) throw new Error("the test's item cannot be injected");
  return found;
}

function document(items: readonly object[], schema = "agentlearn.knowledge/v1"): string {
  return JSON.stringify({ schema, items });
}

function read(text: string): IncomingItem {
  const { items, problems } = readDocument(text, "k.json");
  expect(problems).toEqual([]);
  return items[0] as IncomingItem;
}

const words = { type: "skill", content: "Round money.", appliesWhen: "billing" };

describe("a document", () => {
  test("holds everything that is known of an item, sorted by id", () => {
    const history = [{ itemId: full.id, version: 1, atUs: NOW_US, actor: "learner", action: "propose", changes: {} }] as const;
    const other = exportedItem(anItem({ id: "0-first" }), [], []);
    const { items } = knowledgeDocument([exportedItem(full, history, full.validation ? [full.validation] : []), other]);
    const { validation, ...rest } = full;
    expect(items[0]?.id).toBe("0-first");
    expect(items[1]).toEqual({ ...rest, validationId: validation?.id, history, certificates: [validation] });
  });

  test("written by hand needs type, words and condition, and has the same id each time", () => {
    const [first, again] = [read(document([words])), read(document([words]))];
    expect(first).toMatchObject({ ...words, tags: [], scope: {}, analyzer: "import" });
    expect(first.id).toBe(again.id);
    expect(read(document([{ ...words, content: "Round all." }])).id).not.toBe(first.id);
  });

  test.each([
    ["{", "k.json: is not JSON"],
    ["[]", "k.json: "],
    [document([], "agentlearn.knowledge/v9"), "k.json: schema: "],
    [document([words, { ...words, type: "advice" }]), "k.json: item 2: type: "],
    [document([{ ...words, id: "../x" }]), "k.json: item 1: id: "],
    [document([{ ...words, content: "see https://example.org" }]), "k.json: item 1: the item contains a URL"],
    [document([{ ...words, content: "hidden\u200bmark" }]), "k.json: item 1: the item contains control"],
    [
      document([
        { ...words, id: "a" },
        { ...words, id: "a", content: "other" },
      ]),
      "k.json: item 2: the id a is that of k.json: item 1 too",
    ],
    [document([{ ...words, history: [{ version: 2, atUs: 1, actor: "x", action: "edit" }] }]), "k.json: item 1: the history has gaps"],
  ])("%s is refused at its place", (text, problem) => {
    expect(readDocument(text, "k.json").problems).toEqual([expect.stringContaining(problem)]);
  });

  test("names all problems at once", () => {
    expect(readDocument(document([{ type: "x" }, { ...words, content: "" }]), "k.json").problems).toHaveLength(4);
  });

  test("never throws, whatever the text", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.json().map((json) => document([JSON.parse(json) as object])),
        ),
        (text) => {
          expect(Array.isArray(readDocument(text, "f").problems)).toBe(true);
        },
      ),
    );
  });
});

describe("an import", () => {
  const incoming = (changes: object = {}): IncomingItem => read(document([{ ...words, id: "item-1", ...changes }]));
  const stored = (changes: Partial<KnowledgeItem> = {}): KnowledgeItem =>
    anActiveItem({ id: "item-1", content: "Round money.", appliesWhen: "billing", ...changes });

  test("makes a candidate of what was active elsewhere, with nobody here as its witness", () => {
    const history = [{ version: 1, atUs: 5, actor: "cli:mallory", action: "approve", changes: {} }];
    const certificate = { id: "v-1", itemId: "item-1", decision: "pass" };
    const from = incoming({ status: "active", priority: "pinned", history, certificates: [certificate], taint: ["user"] });
    const [write] = planImport([from], [], WHO).writes;
    expect(write?.item).toMatchObject({ status: "candidate", priority: "normal", taint: ["user", "imported"], version: 2 });
    expect(write?.item).not.toHaveProperty("validation");
    expect(write?.past?.map(({ actor }) => [actor, isPerson(actor)])).toEqual([["imported:cli:mallory", false]]);
    expect(write?.entry).toMatchObject({ action: "import", version: 2, actor: "cli:ada", reason: "from a file" });
    expect(write?.entry.changes).toMatchObject({ status: ["active", "candidate"], certificates: [null, [certificate]] });
  });

  test.each(["candidate", "validated", "active", "deprecated", "archived"] as const)(
    "of the same words for a %s item changes nothing",
    (status) => {
      const plan = planImport([incoming({ tags: ["other"] })], [stored({ status })], WHO);
      expect(plan).toEqual({ writes: [], outcomes: [{ place: "k.json: item 1", id: "item-1", outcome: "unchanged" }] });
    },
  );

  test("of words that another item says changes nothing and names that one", () => {
    expect(planImport([incoming()], [stored({ id: "item-2" })], WHO).outcomes).toMatchObject([{ id: "item-2", outcome: "unchanged" }]);
    expect(planImport([incoming()], [stored({ id: "item-2", agentName: "x" })], WHO).outcomes).toMatchObject([{ outcome: "new" }]);
  });

  test.each(["candidate", "deprecated", "archived"] as const)("of other words revises a %s item, with its history", (status) => {
    const { outcomes, writes } = planImport([incoming({ content: "Round up." })], [stored({ status })], WHO);
    expect(outcomes).toMatchObject([{ outcome: "revision", id: "item-1" }]);
    expect(writes[0]?.item).toMatchObject({ status: "candidate", content: "Round up.", version: 2, taint: ["imported"] });
    expect(writes[0]?.item).not.toHaveProperty("validation");
    expect(writes[0]?.entry.changes).toMatchObject({ content: ["Round money.", "Round up."] });
  });

  test.each(["validated", "active"] as const)("of other words for a %s item leaves it and makes a candidate that names it", (status) => {
    const item = stored({ status });
    const { outcomes, writes } = planImport([incoming({ content: "Round up." })], [item], WHO);
    expect(outcomes).toMatchObject([{ outcome: "beside", beside: "item-1" }]);
    expect(writes.map((write) => write.item.id)).not.toContain("item-1");
    expect(writes[0]?.entry).toMatchObject({ reason: expect.stringContaining("item-1"), changes: { beside: [null, "item-1"] } });
    const again = planImport([incoming({ content: "Round up." })], [item, ...writes.map((write) => write.item)], WHO);
    expect(again.writes).toEqual([]);
  });

  test("never makes anything injectable, and a second time changes nothing", () => {
    const anyItem = fc.record({
      id: fc.constantFrom("item-1", "item-2", "item-3"),
      type: fc.constantFrom("skill", "checklist"),
      content: fc.constantFrom("Round money.", "Round up.", "Ship."),
      appliesWhen: fc.constantFrom("billing", "shipping"),
      status: fc.constantFrom("active", "validated", "candidate"),
      priority: fc.constantFrom("pinned", "normal"),
    });
    fc.assert(
      fc.property(fc.uniqueArray(anyItem, { selector: ({ id }) => id }), anyItem, (entries, before) => {
        const { items } = readDocument(document(entries), "f");
        const start = [stored(before as Partial<KnowledgeItem>)];
        const { writes } = planImport(items, start, WHO);
        for (const { item } of writes) expect([item.status, injectable(item)]).toEqual(["candidate", undefined]);
        const after = new Map([...start, ...writes.map(({ item }) => item)].map((item) => [item.id, item]));
        for (const item of start.filter(({ status }) => status === "active")) expect(after.get(item.id)).toEqual(item);
        expect(planImport(items, [...after.values()], WHO).writes).toEqual([]);
      }),
    );
  });
});

describe("a skill folder", () => {
  test("says in its head when to read on, and comes back as it was", () => {
    const { name, text } = skillFile(usable(full));
    expect(name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
    const back = readSkill(text, `${name}/SKILL.md`);
    const { id, type, content, appliesWhen, tags, analyzer, confidence, taint, sourceTraceIds } = full;
    const scope = { agentName: "biller", tenant: "north" };
    expect(back).toMatchObject({ id, type, content, appliesWhen, tags, analyzer, confidence, taint, sourceTraceIds, scope });
    expect(readFrontMatter(text)).toMatchObject({ fields: { name, description: expect.stringContaining("Use when") } });
  });

  test("is the same bytes as long as the words are the same", () => {
    const later = { ...full, counts: { given: 9, givenSuccess: 9, withheld: 1, withheldSuccess: 0 }, version: 7, updatedAtUs: NOW_US + 1 };
    expect(skillFile(usable(later))).toEqual(skillFile(usable(full)));
  });

  test.each<[string, Partial<KnowledgeItem>]>([
    ["a line of three hyphens", { type: "code_template", content: "a\n---\nname: x\n---\nb" }],
    ["quotes, colons and hashes", { content: `"a": 'b' # c`, appliesWhen: "- [x]: {y}" }],
    ["several lines", { type: "code_template", content: "SELECT 1\n\n\tFROM t" }],
  ])("survives %s", (_what, changes) => {
    const item = anActiveItem(changes);
    expect(readSkill(skillFile(usable(item)).text, "p")).toMatchObject({ content: item.content, appliesWhen: item.appliesWhen });
  });

  test("of somebody else is a skill that applies as its description says", () => {
    const text =
      "---\r\nname: pdf\r\ndescription: >-\r\n  Use when\r\n  reading PDFs\r\nallowed-tools:\r\n  - Bash\r\nmetadata:\r\n  version: 1.0\r\n---\r\nRead it page by page.\r\n";
    const skill = readSkill(text, "pdf/SKILL.md");
    expect(skill).toMatchObject({ type: "skill", content: "Read it page by page.", appliesWhen: "Use when reading PDFs", scope: {} });
    expect(readSkill(text.replace("page by page", "twice"), "x")).toMatchObject({ id: (skill as IncomingItem).id });
  });

  test.each([
    ["no head", "p: line 1: does not begin with ---"],
    ["---\nname: x", "p: has no second line"],
    ["---\nname: x\n---\nb", "p: the head has no description"],
    ["---\nname: &a x\n---\nb", "p: line 2: the value of name"],
    ["---\njust words\n---\nb", 'p: line 2: is not "key: value"'],
    ["---\nname: x\ndescription: y\nmetadata:\n  agentlearn-tags: '[x'\n---\nb", "p: metadata agentlearn-tags is not JSON"],
    ["---\nname: x\ndescription: y\nmetadata:\n  agentlearn-type: advice\n---\nb", "p: type: "],
  ])("%j is refused at its place", (text, problem) => {
    expect(readSkill(text, "p")).toEqual([expect.stringContaining(problem)]);
  });
});

/** What may stand in a text that a person wrote: anything that can be shown. */
const anyText = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "---",
        "\n",
        "\n\n",
        "  ",
        "\t",
        "- When x:",
        "<!--",
        "-->",
        "&lt;!--",
        "&amp;lt;!--",
        '"',
        "'",
        ": ",
        " #",
        "key: v",
        ">",
        "|",
        "\\",
      ),
      fc.string(),
    ),
    { maxLength: 8 },
  )
  .map((parts) => printable(`a${parts.join("")}z`));

describe("whatever the words", () => {
  const anyItem = fc.record({ content: anyText, appliesWhen: anyText.map((text) => text.replace(/\s+/g, " ")) });

  test("a skill folder gives them back", () => {
    fc.assert(
      fc.property(anyItem, (changes) => {
        // Read as front matter: the guard of the import would refuse some of these.
        const { body, metadata } = readFrontMatter(skillFile(usable(anActiveItem(changes))).text) as FrontMatter;
        expect([body, metadata["agentlearn-applies-when"]]).toEqual([changes.content, changes.appliesWhen]);
      }),
      { numRuns: 500 },
    );
  });

  test("a section gives them back", () => {
    fc.assert(
      fc.property(anyItem, (changes) => {
        const page = withSection("# Mine\n", agentsSection([usable(anActiveItem({ ...changes, tags: [changes.appliesWhen] }))]), "A.md");
        const [back] = readSection(page, "A.md").items;
        expect([back?.content, back?.appliesWhen, back?.tags]).toEqual([changes.content, changes.appliesWhen, [changes.appliesWhen]]);
        expect(withSection(page, agentsSection([]), "A.md")).toBe(withSection("# Mine\n", agentsSection([]), "A.md"));
      }),
      { numRuns: 500 },
    );
  });
});

describe("a section of AGENTS.md", () => {
  const items = [
    anActiveItem({ id: "b-2", content: "two\n\n  lines", type: "code_template" }),
    anActiveItem({ id: "a-1", priority: "pinned" }),
    full,
  ];
  const section = agentsSection(items.map(usable));

  test("comes back as it was, also where its text looks like a marker", () => {
    const hostile = anActiveItem({ id: "c-3", content: "a <!-- agentlearn:end --> b", tags: ["-->"] });
    const page = withSection("# Mine\n", agentsSection([...items, hostile].map(usable)), "A.md");
    const { items: back, problems } = readSection(page, "A.md");
    expect(problems).toEqual([]);
    expect(back.map(({ id, content, appliesWhen, tags, scope }) => [id, content, appliesWhen, tags, scope.agentName])).toEqual(
      [items[1], full, items[0], hostile].map((item) => [item?.id, item?.content, item?.appliesWhen, item?.tags, item?.agentName]),
    );
  });

  test("is updated in place and leaves every other byte", () => {
    const page = withSection("# Mine\r\n\r\ntext", section, "A.md");
    const moved = `${page}\n\nafter\r\n`;
    const updated = withSection(moved, agentsSection([]), "A.md");
    expect(updated.startsWith("# Mine\r\n\r\ntext")).toBe(true);
    expect(updated.endsWith("\n\nafter\r\n")).toBe(true);
    expect(updated).not.toContain("a-1");
    expect(withSection(updated, section, "A.md")).toBe(moved);
  });

  test("is the same bytes whatever the order and the counts", () => {
    const shuffled = [...items].reverse().map((item) => ({ ...item, counts: { ...item.counts, given: 5 } }));
    expect(agentsSection(shuffled.map(usable))).toBe(section);
    expect(withSection(withSection("", section, "A"), section, "A")).toBe(withSection("", section, "A"));
  });

  test.each(["<!-- agentlearn:begin -->", "<!-- agentlearn:end --> <!-- agentlearn:begin -->", `${section}\n${section}`])(
    "refuses markers that make no section (%#)",
    (page) => {
      expect(() => withSection(page, section, "A.md")).toThrow("once each");
    },
  );

  test("reads what a person changed in it, and names the line of what cannot be read", () => {
    const changed = section.replace("position column is TEXT", "the position column is TEXT");
    expect(readSection(changed, "A.md").items[0]?.content).toContain("the position column");
    expect(readSection(section.replace('{"id":"a-1"', '{"id:"a-1"'), "A.md").problems).toEqual([
      expect.stringMatching(/^A\.md: line \d+: .*damaged/),
    ]);
    expect(readSection("nothing", "A.md").problems).toHaveLength(1);
  });
});

// A file forgot what an item revises: imported and approved, it stood beside the item whose place it was to take.
describe("what an item revises", () => {
  const { revises } = full;
  const entryOf = (text: string, read: (text: string) => unknown): IncomingItem => read(text) as IncomingItem;
  const forms: readonly (readonly [string, IncomingItem])[] = [
    ["a document", read(document([exportedItem(full, [], [])]))],
    ["a skill folder", entryOf(skillFile(usable(full)).text, (text) => readSkill(text, "p"))],
    ["a section", entryOf(agentsSection([usable(full)]), (text) => readSection(text, "p").items[0])],
    ["a snapshot", entryOf(snapshotFile([full]), (text) => readSnapshotFile(text, "p").items[0])],
  ];

  test.each(forms)("comes back out of %s", (_form, item) => {
    expect(item.revises).toBe(revises);
  });

  test.each(forms.slice(0, 3))("stands on the candidate that is made of %s, and in its history", (_form, item) => {
    const [write] = planImport([item], [], WHO).writes;
    expect([write?.item.revises, write?.entry.changes["revises"]]).toEqual([revises, [null, revises]]);
  });

  test("is in the same bytes after an import and another export", () => {
    const { counts: _counts, updatedAtUs: _updatedAtUs, version: _version, ...kept } = full;
    expect(snapshotFile(readSnapshotFile(snapshotFile([kept]), "p").items)).toBe(snapshotFile([kept]));
    const [write] = planImport([forms[1]?.[1] as IncomingItem], [], WHO).writes;
    const back = { ...full, ...write?.item, status: full.status, validation: full.validation, taint: full.taint } as KnowledgeItem;
    expect(skillFile(usable(back)).text).toBe(skillFile(usable(full)).text);
  });

  test("is never the item itself, and is an id", () => {
    expect(read(document([{ ...words, id: "item-1", revises: "item-1" }]))).not.toHaveProperty("revises");
    expect(readDocument(document([{ ...words, revises: "../x" }]), "k.json").problems).toEqual([expect.stringContaining("revises")]);
  });
});
