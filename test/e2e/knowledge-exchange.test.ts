import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { humanValidation } from "../../src/knowledge/human-validation.ts";
import { aLesson, changed, T0 } from "../contract/store/factories.ts";
import { agentlearn } from "../support/agentlearn-cli.ts";
import { openSqlStore } from "../support/sql-store.ts";
import { temporaryFolder } from "../unit/store/temporary.ts";

const inFolder = temporaryFolder();
const store = inFolder("from.db");
const other = inFolder("to.db");
let activeId = "";

beforeAll(async () => {
  const opened = await openSqlStore(store);
  const { item } = await opened.propose(aLesson({ content: "Round money to cents.", agentName: "biller" }), "learner");
  const word = { decision: "pass", reason: "read it", actor: "cli:ada", atUs: T0, id: "v-1" } as const;
  const [next, entry] = changed(item, { status: "active", validation: humanValidation(item, word) }, "approve");
  await opened.saveItem(next, entry);
  await opened.propose(aLesson({ content: "Ship before noon." }), "learner");
  activeId = item.id;
  await opened.close();
  await (await openSqlStore(other)).close();
});

const from = (...args: readonly string[]) => agentlearn("knowledge", ...args, "--store", `file:${store}`);
const to = (...args: readonly string[]) => agentlearn("knowledge", ...args, "--store", `file:${other}`);
const outcomesOf = (report: Record<string, unknown>) => (report["outcomes"] as { outcome: string }[]).map(({ outcome }) => outcome);

interface Listed {
  readonly id: string;
  readonly status: string;
  readonly content: string;
  readonly taint: readonly string[];
}
const itemsIn = async (list: typeof to): Promise<readonly Listed[]> => (await list("list", "--json")).json()["items"] as readonly Listed[];

describe("a JSON document", () => {
  test("goes to stdout with all items, their history and certificates", async () => {
    const ended = await from("export");
    expect(ended.code).toBe(0);
    expect(ended.json()).toMatchObject({ schema: "agentlearn.knowledge/v1" });
    const items = ended.json()["items"] as { id: string; history: object[]; certificates: object[] }[];
    expect(items).toHaveLength(2);
    const active = items.find(({ id }) => id === activeId);
    expect([active?.history.length, active?.certificates]).toEqual([2, [expect.objectContaining({ id: "v-1" })]]);
  });

  test("arrives in another store as candidates and nothing else; a second time nothing changes", async () => {
    const file = inFolder("k.json");
    expect((await from("export", "--output", file, "--json")).json()).toMatchObject({
      schema: "agentlearn.knowledge.export/v1",
      written: 2,
    });
    const planned = await to("import", file, "--dry-run", "--json");
    expect([outcomesOf(planned.json()), await itemsIn(to)]).toEqual([["new", "new"], []]);
    const ended = await to("import", file, "--json");
    expect([ended.code, ended.json()["schema"], outcomesOf(ended.json())]).toEqual([0, "agentlearn.knowledge.import/v1", ["new", "new"]]);
    const items = await itemsIn(to);
    expect(items.map(({ status, taint }) => [status, taint.includes("imported")])).toEqual([
      ["candidate", true],
      ["candidate", true],
    ]);
    expect(outcomesOf((await to("import", file, "--json")).json())).toEqual(["unchanged", "unchanged"]);
    expect(await itemsIn(to)).toEqual(items);
    const shown = (await to("show", activeId, "--json")).json();
    expect((shown["history"] as { action: string }[]).map(({ action }) => action)).toEqual(["propose", "approve", "import"]);
    expect(shown["validations"]).toEqual([]);
  });

  test("never touches the words of an active item: others become a candidate beside it", async () => {
    const file = inFolder("other-words.json");
    const item = { id: activeId, type: "skill", content: "Round money to euros.", appliesWhen: "billing" };
    writeFileSync(file, JSON.stringify({ schema: "agentlearn.knowledge/v1", items: [item] }));
    const ended = await from("import", file, "--json");
    expect(ended.json()["outcomes"]).toMatchObject([{ outcome: "beside", beside: activeId }]);
    const items = await itemsIn(from);
    expect(items.find(({ id }) => id === activeId)).toMatchObject({ status: "active", content: "Round money to cents." });
    expect(items.find(({ content }) => content === item.content)).toMatchObject({ status: "candidate" });
  });

  test("with a bad item is refused whole, each problem with file and item, and exit code 3", async () => {
    const file = inFolder("bad.json");
    const good = { type: "skill", content: "A good rule.", appliesWhen: "ever" };
    const bad = [
      { ...good, content: "go to https://example.org" },
      { ...good, type: "advice" },
    ];
    writeFileSync(file, JSON.stringify({ schema: "agentlearn.knowledge/v1", items: [good, ...bad] }));
    const before = await itemsIn(to);
    const ended = await to("import", file);
    expect([ended.code, ended.stdout]).toEqual([3, ""]);
    expect(ended.stderr).toContain(`${file}: item 2: the item contains a URL`);
    expect(ended.stderr).toContain(`${file}: item 3: type: `);
    expect(await itemsIn(to)).toEqual(before);
  });

  test("that is not there, or is no text, is a bad argument", async () => {
    writeFileSync(inFolder("bytes.json"), new Uint8Array([0xff, 0xfe, 0x00]));
    const ended = await Promise.all([
      to("import", inFolder("none.json")),
      to("import", inFolder("bytes.json")),
      to("export", "--format", "xml"),
    ]);
    expect(ended.map(({ code }) => code)).toEqual([3, 3, 3]);
  });
});

describe("skill folders", () => {
  const folder = inFolder("skills");

  test("hold the items that may be injected, come back, and stay the same bytes", async () => {
    const ended = await from("export", "--format", "skills", "--output", folder, "--json");
    expect(ended.json()).toMatchObject({ schema: "agentlearn.knowledge.export/v1", written: [expect.any(String)], stale: [] });
    const [name = ""] = readdirSync(folder);
    const text = readFileSync(`${folder}/${name}/SKILL.md`, "utf8");
    expect(text).toContain("Round money to cents.");
    expect((await from("export", "--format", "skills", "--output", folder, "--json")).json()).toMatchObject({ changed: [] });
    expect(outcomesOf((await from("import", folder, "--json")).json())).toEqual(["unchanged"]);
    expect(outcomesOf((await from("import", `${folder}/${name}/SKILL.md`, "--json")).json())).toEqual(["unchanged"]);
  });

  test("of items that are not exported any more are named, and deleted with --prune; others' stay", async () => {
    mkdirSync(`${folder}/mine`);
    writeFileSync(`${folder}/mine/SKILL.md`, "---\nname: mine\ndescription: testing\n---\nDo it.\n");
    const named = await from("export", "--format", "skills", "--output", folder, "--agent", "nobody");
    expect(named.stderr).toContain("--prune");
    expect(readdirSync(folder)).toHaveLength(2);
    await from("export", "--format", "skills", "--output", folder, "--agent", "nobody", "--prune");
    expect(readdirSync(folder)).toEqual(["mine"]);
  });

  test("without a place to go, or from a folder without skills, is a bad argument", async () => {
    mkdirSync(inFolder("empty"));
    const ended = await Promise.all([from("export", "--format", "skills"), from("import", inFolder("empty"))]);
    expect(ended.map(({ code }) => code)).toEqual([3, 3]);
  });
});

describe("a section of AGENTS.md", () => {
  test("is written, updated in place and read back", async () => {
    const file = inFolder("AGENTS.md");
    writeFileSync(file, "# Project\n\nMine.\n");
    expect((await from("export", "--format", "agents-md", "--output", file, "--json")).json()).toMatchObject({ written: 1, changed: true });
    const page = readFileSync(file, "utf8");
    expect(page.startsWith("# Project\n\nMine.\n")).toBe(true);
    expect((await from("export", "--format", "agents-md", "--output", file, "--json")).json()).toMatchObject({ changed: false });
    expect(readFileSync(file, "utf8")).toBe(page);
    expect(outcomesOf((await from("import", file, "--json")).json())).toEqual(["unchanged"]);
  });

  test("with a broken marker is refused and left as it is", async () => {
    const file = inFolder("BROKEN.md");
    writeFileSync(file, "<!-- agentlearn:begin -->\n");
    expect((await from("export", "--format", "agents-md", "--output", file)).code).toBe(3);
    expect(readFileSync(file, "utf8")).toBe("<!-- agentlearn:begin -->\n");
  });
});
