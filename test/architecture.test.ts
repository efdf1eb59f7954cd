import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { describe, expect, test } from "vitest";
import { barrelBreaches, type Files, importBreaches, lengthBreaches, nameBreaches, shapeBreaches } from "./architecture/breaches.ts";
import { readModule } from "./architecture/imports.ts";
import { readArchitecture } from "./architecture/layer-table.ts";

const page = readFileSync("AGENTS.md", "utf8");
const architecture = readArchitecture(page);
const manifest = JSON.parse(readFileSync("package.json", "utf8")) as {
  readonly name: string;
  readonly exports: Readonly<Record<string, string | { readonly default: string }>>;
};
const publicEntries = Object.values(manifest.exports)
  .flatMap((entry) => (typeof entry === "string" ? [] : [entry.default]))
  .map((path) => path.replace("./dist/", "").replace(/\.js$/, ".ts"));

describe("the tree", () => {
  const files = filesOf(["src", "collector"]);

  test("imports only what the layer table in AGENTS.md allows", () => {
    expect(importBreaches(files, architecture, manifest.name)).toEqual([]);
  });

  test("has no barrels inside rooms", () => {
    expect(barrelBreaches(files, publicEntries)).toEqual([]);
  });

  test("has no file over 400 lines", () => {
    expect(lengthBreaches(files)).toEqual([]);
  });

  test("names files in kebab-case", () => {
    expect(nameBreaches(files)).toEqual([]);
  });

  // A judge takes seconds and costs money: what answers an agent, or takes its spans, has no way to one.
  test("has no way to the judge from where an agent waits", () => {
    const entries = [...files.keys()].filter((path) => /^src\/(?:agent|span|injection)\/|^collector\/(?!main)|^src\/writer\.ts/.test(path));
    expect(entries.length).toBeGreaterThan(50);
    expect(
      reachable(files, entries).filter((path) => /^src\/(?:outcome\/(?:llm-judge|judge-answer|composite-signal)|llm\/)/.test(path)),
    ).toEqual([]);
    expect(reachable(files, ["src/learner/cycle.ts", "src/compose/outcomes.ts"])).toContain("src/outcome/llm-judge.ts");
  });

  test("gives every stage its ports, its noun and its verb", () => {
    expect(shapeBreaches(files, architecture)).toEqual([]);
  });
});

describe("the layer table", () => {
  test("has the six stages in the order of the flow", () => {
    expect(architecture.stages.map(({ name, verb }) => `${name}/${verb}`)).toEqual([
      "span/normalise",
      "trace/assemble",
      "outcome/judge",
      "lesson/propose",
      "knowledge/validate",
      "injection/select",
    ]);
  });

  test("refuses a word it does not know instead of allowing it", () => {
    expect(() => readArchitecture(withTraceRow("base, whatever it needs"))).toThrow("cannot read");
  });

  test("follows the page: a row that changes changes the check", () => {
    const files: Files = new Map([
      ["src/trace/a.ts", 'import { s } from "../span/s.ts";'],
      ["src/span/s.ts", "export const s = 1;"],
    ]);
    expect(importBreaches(files, architecture, "agentlearn")).toEqual([]);
    const narrowed = readArchitecture(withTraceRow("base, telemetry"));
    expect(importBreaches(files, narrowed, "agentlearn")).toEqual([
      "src/trace/a.ts -> src/span/s.ts: src/trace may import base, telemetry",
    ]);
  });
});

/** A breach planted in a list of files that stands nowhere: each must be named, or the guard guards nothing. */
describe("a planted import is refused", () => {
  const planted: readonly (readonly [what: string, from: string, to: string])[] = [
    ["injection reading lessons", "src/injection/select.ts", "src/lesson/lesson.ts"],
    ["outcome looking right", "src/outcome/judge.ts", "src/lesson/lesson.ts"],
    ["base importing anything", "src/base/id.ts", "src/telemetry/attributes.ts"],
    ["rooms of one row importing each other", "src/config/schema.ts", "src/stats/mean.ts"],
    ["the store reaching behind a contract", "src/store/spans.ts", "src/span/normalise.ts"],
    ["the store reaching behind evaluation", "src/store/evals.ts", "src/evaluation/runner.ts"],
    ["the learner opening the store itself", "src/learner/cycle.ts", "src/store/open.ts"],
    ["the collector reading lessons", "collector/http/server.ts", "src/lesson/lesson.ts"],
    ["the collector opening the store itself", "collector/api/routes.ts", "src/store/open.ts"],
    ["a room importing the entry", "src/span/normalise.ts", "src/index.ts"],
    ["a room importing the collector", "src/learner/cycle.ts", "collector/otlp/decode.ts"],
    ["a test aid importing a stage", "src/testing/index.ts", "src/span/span.ts"],
  ];

  test.each(planted)("%s", (_what, from, to) => {
    const files = new Map([
      [from, `import type { x } from "${relativeOf(from, to)}";`],
      [to, "export const x = 1;"],
    ]);
    const breaches = importBreaches(files, architecture, "agentlearn");
    expect(breaches).toHaveLength(1);
    expect(breaches[0]).toContain(`${from} -> ${to}: `);
  });

  const forms: readonly (readonly [form: string, write: (name: string) => string])[] = [
    ["static", (name) => `import { x } from "${name}";`],
    ["for its effect", (name) => `import "${name}";`],
    ["type-only", (name) => `import type { x } from "${name}";`],
    ["inline type", (name) => `import { type x } from "${name}";`],
    ["dynamic", (name) => `export const y = async () => await import("${name}");`],
    ["dynamic with a template", (name) => `export const y = async () => await import(\`${name}\`);`],
    ["import type", (name) => `export type Y = import("${name}").X;`],
    ["typeof import", (name) => `export type Y = typeof import("${name}");`],
    ["re-export", (name) => `export { x } from "${name}";`],
    ["type re-export", (name) => `export type { x } from "${name}";`],
    ["star", (name) => `export * from "${name}";`],
    ["import equals", (name) => `import x = require("${name}");`],
    ["after a regular expression that looks like a comment", (name) => `const r = /[/*"]/;\nimport { x } from "${name}";`],
  ];

  test.each(forms)("in the form: %s", (_form, write) => {
    expect(readModule("src/a/b.ts", write("../lesson/lesson.ts")).imports).toEqual(["../lesson/lesson.ts"]);
  });

  test("when the room has no row", () => {
    expect(importBreaches(new Map([["src/utils/a.ts", ""]]), architecture, "agentlearn")).toEqual([
      "src/utils/a.ts: stands in no row of the layer table",
    ]);
  });

  test("when it goes through the package's own name", () => {
    expect(importBreaches(new Map([["src/span/a.ts", 'import "agentlearn/testing";']]), architecture, "agentlearn")).toHaveLength(1);
  });

  test("when the file is not there", () => {
    expect(importBreaches(new Map([["src/span/a.ts", 'import "./gone.ts";']]), architecture, "agentlearn")).toHaveLength(1);
  });
});

describe("an allowed import is left alone", () => {
  const allowed: readonly (readonly [from: string, to: string])[] = [
    ["src/span/normalise.ts", "src/span/dialects/otel.ts"],
    ["src/injection/select.ts", "src/knowledge/injectable.ts"],
    ["src/store/spans.ts", "src/span/raw-span.ts"],
    ["src/store/knowledge.ts", "src/knowledge/knowledge-item.ts"],
    ["src/store/ports.ts", "src/lesson/ports.ts"],
    ["src/store/evals.ts", "src/evaluation/evaluation.ts"],
    ["src/learner/cycle.ts", "src/store/ports.ts"],
    ["src/learner/cycle.ts", "src/lesson/propose.ts"],
    ["collector/http/server.ts", "collector/otlp/decode.ts"],
    ["collector/main.ts", "src/store/open.ts"],
    ["src/cli/main.ts", "collector/main.ts"],
    ["src/index.ts", "src/learner/cycle.ts"],
  ];

  test.each(allowed)("%s -> %s", (from, to) => {
    const files = new Map([
      [from, `import { x } from "${relativeOf(from, to)}";`],
      [to, "export const x = 1;"],
    ]);
    expect(importBreaches(files, architecture, "agentlearn")).toEqual([]);
  });

  test.each([
    ["a worker's address", 'new Worker(new URL("../lesson/worker.js", import.meta.url));'],
    ["an import inside a string", "export const text = 'import \"../lesson/lesson.ts\"';"],
    ["an import inside a comment", '// import "../lesson/lesson.ts";\n/* import "../lesson/lesson.ts"; */'],
  ])("%s is no import", (_what, text) => {
    expect(readModule("src/span/a.ts", text).imports).toEqual([]);
  });
});

describe("other planted faults are refused", () => {
  test("a file that hands on another's exports", () => {
    const breaches = (text: string): readonly string[] => barrelBreaches(new Map([["src/span/a.ts", text]]), publicEntries);
    expect(breaches('export { b } from "./b.ts";')).toEqual(["src/span/a.ts: hands on b"]);
    expect(breaches('export * from "./b.ts";')).toEqual(["src/span/a.ts: hands on * from ./b.ts"]);
    expect(breaches('import { b } from "./b.ts";\nexport { b };')).toEqual(["src/span/a.ts: hands on b"]);
    expect(breaches("const b = 1;\nexport { b };")).toEqual([]);
  });

  test("an index file inside a room, but not a public entry", () => {
    expect(barrelBreaches(new Map([["src/span/index.ts", ""]]), publicEntries)).toHaveLength(1);
    expect(barrelBreaches(new Map([["src/testing/index.ts", 'export { a } from "./a.ts";']]), publicEntries)).toEqual([]);
  });

  test("a file of 401 lines, but not one of 400", () => {
    expect(lengthBreaches(new Map([["src/span/a.ts", "x;\n".repeat(401)]]))).toEqual(["src/span/a.ts: 401 lines, at most 400"]);
    expect(lengthBreaches(new Map([["src/span/a.ts", "x;\n".repeat(400)]]))).toEqual([]);
  });

  test.each(["src/span/rawSpan.ts", "src/span/Span.ts", "src/span/raw_span.ts", "src/rawSpan/a.ts"])("the name %s", (path) => {
    expect(nameBreaches(new Map([[path, ""]]))).toEqual([`${path}: not kebab-case`]);
  });

  test("a stage without its verb", () => {
    const files = new Map(["ports", "span"].map((stem) => [`src/span/${stem}.ts`, ""]));
    const breaches = shapeBreaches(files, { ...architecture, stages: architecture.stages.slice(0, 1) });
    expect(breaches).toEqual(["src/span/normalise.ts: missing"]);
  });
});

/** The page with another right cell for `src/trace`. */
function withTraceRow(cell: string): string {
  return page.replace(/^(\| `src\/trace` +\|)[^|]+\|$/m, `$1 ${cell} |`);
}

function filesOf(folders: readonly string[]): Files {
  return new Map(folders.flatMap((folder) => list(folder)).map((path) => [path, readFileSync(path, "utf8")]));
}

function list(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => join(entry.parentPath, entry.name).replaceAll("\\", "/"));
}

function relativeOf(from: string, to: string): string {
  return `${"../".repeat(from.split("/").length - 1)}${to}`;
}

/** Every file that is loaded, at once or later, when these are. */
function reachable(files: Files, entries: readonly string[]): readonly string[] {
  const seen = new Set<string>();
  const visit = (path: string): void => {
    const text = files.get(path);
    if (text === undefined || seen.has(path)) return;
    seen.add(path);
    const { loaded, imports } = readModule(path, text);
    const later = imports.filter((name) => text.includes(`import("${name}")`));
    for (const name of [...loaded, ...later]) if (name.startsWith(".")) visit(posix.join(posix.dirname(path), name));
  };
  for (const entry of entries) visit(entry);
  return [...seen];
}
