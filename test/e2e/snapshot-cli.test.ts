import { readFileSync, writeFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { aLesson } from "../contract/store/factories.ts";
import { agentlearn } from "../support/agentlearn-cli.ts";
import { openSqlStore } from "../support/sql-store.ts";
import { temporaryFolder } from "../unit/store/temporary.ts";

const inFolder = temporaryFolder();
const store = `file:${inFolder("snapshots.db")}`;
let id = "";

const snapshot = (...args: readonly string[]) => agentlearn("snapshot", ...args, "--store", store);
const knowledge = (...args: readonly string[]) => agentlearn("knowledge", ...args, "--store", store);
const statusOf = async () => ((await knowledge("show", id, "--json")).json()["item"] as { status: string }).status;

beforeAll(async () => {
  const opened = await openSqlStore(inFolder("snapshots.db"));
  id = (await opened.propose(aLesson({ content: "Round money to cents." }), "learner")).item.id;
  await opened.close();
  await knowledge("approve", id, "--reason", "read it");
});

describe("snapshots on the command line", () => {
  test("create, list and show name tag, items and maker", async () => {
    const made = await snapshot("create", "--tag", "v1", "--reason", "before the trial", "--json");
    expect(made.json()).toMatchObject({ schema: "agentlearn.snapshot.create/v1", snapshot: { tag: "v1", itemCount: 1, imported: false } });
    const listed = (await snapshot("list", "--json")).json();
    expect(listed).toMatchObject({ schema: "agentlearn.snapshot.list/v1", snapshots: [{ tag: "v1", reason: "before the trial" }] });
    const shown = (await snapshot("show", "v1", "--json")).json();
    expect(shown).toMatchObject({ schema: "agentlearn.snapshot.show/v1", snapshot: { items: [{ id, status: "active" }] } });
  });

  test("a tag that is taken is not allowed, one that is none a bad argument, a snapshot that is not there too", async () => {
    const ended = await Promise.all([snapshot("create", "--tag", "v1"), snapshot("create", "--tag", "a b"), snapshot("show", "nowhere")]);
    expect(ended.map(({ code }) => code)).toEqual([4, 3, 3]);
    expect(ended[2]?.stderr).toContain("agentlearn snapshot list");
  });

  test("diff shows the words that changed since, and between two snapshots", async () => {
    await knowledge("edit", id, "--content", "Round money to whole cents.", "--reason", "trial");
    const since = await snapshot("diff", "v1");
    expect([since.code, since.stdout]).toEqual([0, expect.stringContaining("Round money to {+whole +}cents.")]);
    await snapshot("create", "--tag", "v2");
    const between = (await snapshot("diff", "v1", "v2", "--json")).json();
    expect(between).toMatchObject({
      schema: "agentlearn.snapshot.diff/v1",
      diff: { added: [], removed: [], changed: [{ id, changes: { status: ["active", "candidate"] } }] },
    });
    expect((await snapshot("diff", "v2")).stdout).toBe("no difference\n");
  });

  test("restore asks, and changes nothing where nobody can answer", async () => {
    const asked = await snapshot("restore", "v1");
    expect([asked.code, asked.stdout]).toEqual([3, ""]);
    expect(asked.stderr).toContain("[-whole -]");
    const planned = (await snapshot("restore", "v1", "--dry-run", "--json")).json();
    expect(planned).toMatchObject({ schema: "agentlearn.snapshot.restore/v1", dryRun: true });
    expect(await statusOf()).toBe("candidate");
  });

  test("restore --yes brings the item back into use and keeps what there was", async () => {
    const restored = await snapshot("restore", "v1", "--yes", "--json");
    expect(restored.code).toBe(0);
    expect(await statusOf()).toBe("active");
    const { backup } = restored.json() as { backup: { id: string } };
    expect((await snapshot("diff", backup.id, "v2")).stdout).toBe("no difference\n");
  });

  test("export is the same bytes on stdout and in a file, and comes back by import", async () => {
    const file = inFolder("v1.json");
    const written = await snapshot("export", "v1", "--output", file, "--json");
    expect(written.json()).toEqual({ schema: "agentlearn.snapshot.export/v1", output: file });
    expect((await snapshot("export", "v1")).stdout).toBe(readFileSync(file, "utf8"));
    const imported = await snapshot("import", file, "--tag", "from-git", "--json");
    expect(imported.json()).toMatchObject({ schema: "agentlearn.snapshot.import/v1", snapshot: { tag: "from-git", imported: true } });
    expect((await snapshot("export", "from-git")).stdout).toBe(readFileSync(file, "utf8"));
    writeFileSync(file, "{}");
    expect((await snapshot("import", file)).code).toBe(3);
  });

  test("delete asks too, and takes the tag away", async () => {
    expect((await snapshot("delete", "v2")).code).toBe(3);
    const deleted = await snapshot("delete", "v2", "--yes", "--json");
    expect(deleted.json()).toMatchObject({ schema: "agentlearn.snapshot.delete/v1", snapshot: { tag: "v2" } });
    expect((await snapshot("show", "v2")).code).toBe(3);
  });
});
