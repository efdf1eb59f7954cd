import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import { mapLimited } from "../../src/base/map-limited.ts";
import { anchorsOf, cellsOf, invocationsOf, relativeLinksOf } from "./readme-facts.ts";

// The scripts that write the page are plain JavaScript: their names are typed here.
const { configTable, textBetween, withFigures } = (await import("../../scripts/readme-tables.mjs" as string)) as {
  configTable(rows: readonly object[]): string;
  textBetween(page: string, name: string): string;
  withFigures(old: string, fresh: string, ran: readonly string[], known: readonly string[]): string;
};

const FIRST_SCREEN_LINES = 40;

describe("README", () => {
  let page = "";
  beforeAll(() => {
    page = readFileSync("README.md", "utf8");
  });

  test.each(["npm ci && npm run demo", "npm ci && npm test"])("shows `%s` on its first screen", (command) => {
    expect(page.split("\n").slice(0, FIRST_SCREEN_LINES).join("\n")).toContain(command);
  });

  test("names only commands and flags that --help knows", async () => {
    const invocations = invocationsOf(page);
    expect(invocations.length).toBeGreaterThan(0);
    // One process for each command's help: several at once, and time for a machine that does something else too.
    expect((await mapLimited(invocations, 4, problemsOf)).flat()).toEqual([]);
  }, 120_000);

  test("links to files and headings that exist", () => {
    const anchors = anchorsOf(page);
    const broken = relativeLinksOf(page).filter((target) => {
      const [file = "", anchor] = target.split("#");
      if (file === "") return !anchors.has(anchor ?? "");
      return !existsSync(join(process.cwd(), decodeURIComponent(file)));
    });
    expect(broken).toEqual([]);
  });

  test("has the configuration reference that the schema gives (npm run readme)", async () => {
    const { describeConfig } = (await import("../../dist/src/config/describe-config.js" as string)) as {
      describeConfig(): readonly object[];
    };
    expect(cellsOf(textBetween(page, "config"))).toEqual(cellsOf(configTable(describeConfig())));
  });

  test("has a place for the figures (npm run figures -- --write)", () => {
    expect(() => textBetween(page, "figures")).not.toThrow();
  });
});

/** The reader of the page is tried, or a page that shows nothing would pass. */
describe("the reader of the page", () => {
  test("finds what can be typed and nothing else", () => {
    const page = [
      "Run `agentlearn status`, or `npx agentlearn up --otlp-http-port 0 --json`.",
      "```sh",
      "npm install agentlearn openai",
      "npx agentlearn traces list --status failure | agentlearn knowledge show ID   # agentlearn nothing",
      'import { x } from "agentlearn";',
      "curl agentlearn.db",
      "```",
    ].join("\n");
    expect(invocationsOf(page).map(({ words, flags }) => [...words, ...flags].join(" "))).toEqual([
      "traces list --status",
      "knowledge show",
      "status",
      "up --otlp-http-port --json",
    ]);
  });

  test("reads links and headings outside of code only", () => {
    const page = "## Ports and files\n[a](#ports-and-files) [b](docs/x.md#y) [c](https://example.org)\n```\n[d](no.md)\n# no\n```\n";
    expect(relativeLinksOf(page)).toEqual(["#ports-and-files", "docs/x.md#y"]);
    expect([...anchorsOf(page)]).toEqual(["ports-and-files"]);
  });

  test("compares tables by their cells", () => {
    expect(cellsOf("| a   | b |\n| :-- | - |\n| `x \\| y` | 2 |")).toEqual([
      ["a", "b"],
      ["---", "---"],
      ["`x \\| y`", "2"],
    ]);
  });

  test("refuses a page without markers, or with two of one", () => {
    expect(() => textBetween("<!-- config -->", "config")).toThrow("once each");
    expect(() => textBetween("<!-- /config --><!-- config -->", "config")).toThrow("once each");
    expect(textBetween("<!-- config -->\na\n<!-- /config -->", "config")).toBe("a");
  });
});

const helps = new Map<string, Promise<string>>();

function helpOf(words: readonly string[]): Promise<string> {
  const key = words.join(" ");
  const known = helps.get(key);
  if (known !== undefined) return known;
  const text = promisify(execFile)(process.execPath, ["dist/src/cli/main.js", ...words, "--help"]).then(({ stdout }) => stdout);
  helps.set(key, text);
  return text;
}

/** Walks down the commands. A word after a command that has no commands of its own is an argument. */
async function problemsOf({
  line,
  words,
  flags,
}: {
  line: string;
  words: readonly string[];
  flags: readonly string[];
}): Promise<readonly string[]> {
  const path: string[] = [];
  for (const word of words) {
    const commands = commandsIn(await helpOf(path));
    if (commands.size === 0) break;
    if (!commands.has(word)) return [`\`${line}\`: agentlearn ${[...path, "--help"].join(" ")} knows no command ${word}`];
    path.push(word);
  }
  const help = `${await helpOf([])}\n${await helpOf(path)}`;
  return flags.filter((flag) => !new RegExp(`(?:^|[\\s,])${flag}(?![a-z-])`, "m").test(help)).map((flag) => `\`${line}\`: no flag ${flag}`);
}

function commandsIn(help: string): ReadonlySet<string> {
  const section = /^Commands:\n((?: .*\n?)+)/m.exec(help)?.[1] ?? "";
  const names = [...section.matchAll(/^ {2}(\S+)/gm)].flatMap(([, name = ""]) => name.split("|"));
  return new Set(names.filter((name) => name !== "help"));
}

// The table was written by one run of everything or not at all, so rows of an old machine stood there beside promises that had changed since.
test("a run of some figures replaces their rows, keeps the others', and drops those of figures that are no more", () => {
  const table = (...rows: readonly string[]) => ["| figure | value |", "| --- | --- |", ...rows].join("\n");
  const old = table("| `a.b` | 1 |", "| `a.b.x` | 2 |", "| `a.bc` | 3 |", "| `gone` | 4 |", "| `z` | 5 |");
  const fresh = table("| `z.y` | 7 |", "| `a.b` | 8 |");
  expect(withFigures(old, fresh, ["a.b", "z"], ["a.b", "a.bc", "z"])).toBe(table("| `a.b` | 8 |", "| `a.bc` | 3 |", "| `z.y` | 7 |"));
});
