import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { builtinModules } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { publint } from "publint";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readModule } from "../architecture/imports.ts";

const MAX_PRODUCTION_DEPENDENCIES = 25;

interface Manifest {
  readonly name: string;
  readonly bin: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

interface LockEntry {
  readonly version?: string;
  readonly resolved?: string;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly hasInstallScript?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const manifest = JSON.parse(readFileSync("package.json", "utf8")) as Manifest;
const lock = JSON.parse(readFileSync("package-lock.json", "utf8")) as { readonly packages: Readonly<Record<string, LockEntry>> };
const installed = Object.entries(lock.packages).filter(([path]) => path !== "");
const production = installed.filter(([, entry]) => entry.dev !== true && entry.devOptional !== true);
const entries = Object.entries(manifest.exports).flatMap(([name, entry]) => (typeof entry === "string" ? [] : [{ name, ...entry }]));
const exec = promisify(execFile);

describe("the built package", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "package-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("has every file that exports and bin name", () => {
    const named = [...entries.flatMap((entry) => [entry.types, entry.default]), ...Object.values(manifest.bin)];
    expect(named.filter((file) => !existsSync(file))).toEqual([]);
  });

  // In a process of its own, in an empty folder: importing opens nothing, writes nothing, says nothing and lets the process end.
  test.each(entries.map(({ name, default: file }) => [name, file]))("imports %s without effect", async (_name, file) => {
    const script = `await import(${JSON.stringify(pathToFileURL(resolve(file)).href)})`;
    const { stdout } = await exec(process.execPath, ["--input-type=module", "-e", script], { cwd: folder, timeout: 20_000 });
    expect(stdout).toBe("");
    expect(readdirSync(folder)).toEqual([]);
  });

  test("can be required by CommonJS", async () => {
    const file = entries.find(({ name }) => name === ".")?.default ?? "";
    const script = `process.stdout.write(Object.keys(require(${JSON.stringify(resolve(file))})).join())`;
    const { stdout } = await exec(process.execPath, ["--input-type=commonjs", "-e", script], { cwd: folder, timeout: 20_000 });
    expect(stdout.split(",")).toContain("AgentLearnSpanProcessor");
  });

  test("has nothing for publint to say", async () => {
    const { messages } = await publint({ pkgDir: process.cwd(), level: "warning", strict: true, pack: "npm" });
    expect(messages).toEqual([]);
  });

  test("carries the build and the papers, and no tests, fixtures or sources", async () => {
    const { stdout } = await exec("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { shell: process.platform === "win32" });
    const report = JSON.parse(stdout) as object;
    const [pack] = Object.values(report) as { readonly files: readonly { readonly path: string }[] }[];
    const paths = pack?.files.map(({ path }) => path) ?? [];
    expect(paths).toEqual(expect.arrayContaining(["package.json", "README.md", "CHANGELOG.md", "LICENSE", "dist/src/index.js"]));
    expect(paths).toEqual(expect.arrayContaining(["assets/embedding/static-en.bin", "assets/embedding/LICENSES.md"]));
    expect(paths.filter((path) => /(^|\/)(test|tests|fixtures|bench|peers)\/|\.test\.|(?<!\.d)\.ts$|^\./.test(path))).toEqual([]);
  });
});

describe("the dependencies", () => {
  test("are declared wherever the build loads them", () => {
    const declared = new Set([...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies ?? {})]);
    const missing = sources().flatMap((path) =>
      readModule(path, readFileSync(path, "utf8"))
        .loaded.filter((name) => !name.startsWith(".") && !name.startsWith("node:") && !builtinModules.includes(name))
        .map((name) => name.match(/^(@[^/]+\/)?[^/]+/)?.[0] ?? name)
        .filter((name) => !declared.has(name))
        .map((name) => `${path}: ${name} is in neither dependencies nor peerDependencies`),
    );
    expect(missing).toEqual([]);
  });

  test(`are at most ${MAX_PRODUCTION_DEPENDENCIES} packages in production, builds for other platforms included`, () => {
    expect(production.length).toBeGreaterThan(0);
    expect(production.length).toBeLessThanOrEqual(MAX_PRODUCTION_DEPENDENCIES);
  });

  test("run no scripts when they are installed, nor does this package", () => {
    expect(production.filter(([, entry]) => entry.hasInstallScript === true).map(([path]) => path)).toEqual([]);
    expect(Object.keys(manifest.scripts).filter((name) => /^(pre|post)?(install|prepare)$/.test(name))).toEqual([]);
  });

  test("are pinned without the address of a registry", () => {
    expect(installed.filter(([, entry]) => entry.resolved !== undefined).map(([path]) => path)).toEqual([]);
    expect(readFileSync("package-lock.json", "utf8")).not.toMatch(/"resolved"|registry\./);
  });

  // A lock file made against a registry that lacks the builds for other platforms leaves them out, and `npm ci` then refuses it everywhere.
  test("are locked with the builds for every platform", () => {
    const missing = installed.flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter((name) => !placesOf(path, name).some((place) => place in lock.packages)),
    );
    expect(missing).toEqual([]);
  });
});

/** Where Node would find `name` for a package at `path`: beside it, and in every folder above. */
function placesOf(path: string, name: string): readonly string[] {
  const parts = path.split("/node_modules/");
  const folders = parts.map((_part, depth) => parts.slice(0, parts.length - depth).join("/node_modules/"));
  return [...folders.map((folder) => `${folder}/node_modules/${name}`), `node_modules/${name}`];
}

function sources(): readonly string[] {
  return ["src", "collector"]
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => join(entry.parentPath, entry.name));
}
