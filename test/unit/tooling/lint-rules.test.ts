import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

/** One planted fault per rule we rely on. A rule that stops firing (renamed, regrouped, overridden) fails here, not silently. */
const PLANTED: readonly { readonly rule: string; readonly file: string; readonly files: Readonly<Record<string, string>> }[] = [
  { rule: "style/noDefaultExport", file: "src/a/one.ts", files: { "src/a/one.ts": "export default 1;\n" } },
  { rule: "style/noEnum", file: "src/a/two.ts", files: { "src/a/two.ts": "export enum Kind {\n  One,\n}\n" } },
  { rule: "style/noExcessiveLinesPerFile", file: "src/a/three.ts", files: { "src/a/three.ts": "export {};\n".repeat(401) } },
  { rule: "style/noExcessiveLinesPerFile", file: "test/a.test.ts", files: { "test/a.test.ts": "export {};\n".repeat(601) } },
  {
    rule: "style/useImportType",
    file: "src/a/four.ts",
    files: { "src/a/four.ts": 'import { T } from "./type.ts";\nexport const t: T = 1;\n', "src/a/type.ts": "export type T = number;\n" },
  },
  {
    rule: "style/useNodejsImportProtocol",
    file: "src/a/five.ts",
    files: { "src/a/five.ts": 'import { join } from "path";\nexport const j = join("a");\n' },
  },
  {
    rule: "correctness/noPrivateImports",
    file: "src/b/six.ts",
    files: {
      "src/b/six.ts": 'import { hidden } from "../c/hidden.ts";\nexport const seen = hidden;\n',
      "src/c/hidden.ts": "/** @private */\nexport const hidden = 1;\n",
    },
  },
  // tsc does not read .mjs, so a name that is nowhere declared would only show when the line runs.
  {
    rule: "correctness/noUndeclaredVariables",
    file: "scripts/undeclared.mjs",
    files: { "scripts/undeclared.mjs": "export const u = nowhere;\n" },
  },
  {
    rule: "correctness/useImportExtensions",
    file: "src/a/seven.ts",
    files: { "src/a/seven.ts": 'import { e } from "./eight";\nexport const f = e;\n', "src/a/eight.ts": "export const e = 1;\n" },
  },
  {
    rule: "suspicious/noImportCycles",
    file: "src/a/nine.ts",
    files: {
      "src/a/nine.ts": 'import { ten } from "./ten.ts";\nexport const nine = () => ten;\n',
      "src/a/ten.ts": 'import { nine } from "./nine.ts";\nexport const ten = () => nine;\n',
    },
  },
  { rule: "suspicious/noConsole", file: "src/a/eleven.ts", files: { "src/a/eleven.ts": 'console.log("x");\n' } },
  {
    rule: "performance/noReExportAll",
    file: "src/a/twelve.ts",
    files: { "src/a/twelve.ts": 'export * from "./thirteen.ts";\n', "src/a/thirteen.ts": "export const e = 1;\n" },
  },
  {
    rule: "nursery/noFloatingPromises",
    file: "src/a/fourteen.ts",
    files: { "src/a/fourteen.ts": "async function later(): Promise<void> {}\nexport function go(): void {\n  later();\n}\n" },
  },
];

describe("the lint settings", () => {
  let folder = "";
  let reported: ReadonlySet<string> = new Set();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "lint-rules-"));
    const settings = JSON.parse(await readFile("biome.json", "utf8")) as Record<string, unknown>;
    // The folder is no checkout and has no node_modules: neither setting decides whether a rule fires.
    delete settings["vcs"];
    delete settings["$schema"];
    await writeFile(join(folder, "biome.json"), JSON.stringify(settings));
    await cp("package.json", join(folder, "package.json"));
    for (const { files } of PLANTED)
      for (const [path, text] of Object.entries(files)) {
        await mkdir(dirname(join(folder, path)), { recursive: true });
        await writeFile(join(folder, path), text);
      }
    await mkdir(join(folder, "src/cli"), { recursive: true });
    await writeFile(join(folder, "src/cli/print.ts"), 'console.log("x");\n');
    reported = await lint(folder);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test.each(PLANTED.map(({ rule, file }) => [rule, file]))("refuse what breaks %s (%s)", (rule, file) => {
    expect([...reported]).toContain(`lint/${rule} ${file}`);
  });

  test("let the command line print", () => {
    expect([...reported].filter((entry) => entry.endsWith("src/cli/print.ts"))).toEqual([]);
  });
});

/** Every finding as "category path". */
async function lint(folder: string): Promise<ReadonlySet<string>> {
  const biome = join(process.cwd(), "node_modules/@biomejs/biome/bin/biome");
  const output = await new Promise<string>((resolve) => {
    execFile(process.execPath, [biome, "lint", "--reporter=json", "--max-diagnostics=none", "."], { cwd: folder }, (_error, stdout) =>
      resolve(stdout),
    );
  });
  const report = JSON.parse(output) as { diagnostics: readonly { category: string; location: { path: string | { file: string } } }[] };
  return new Set(
    report.diagnostics.map(({ category, location }) => {
      const path = typeof location.path === "string" ? location.path : location.path.file;
      return `${category} ${path.replaceAll("\\", "/")}`;
    }),
  );
}
