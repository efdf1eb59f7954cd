import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { apiFindings } from "../../../src/cli/api-copies.ts";
import { temporaryFolder } from "../store/temporary.ts";

const inFolder = temporaryFolder();
let projects = 0;

/** A project whose node_modules holds these packages, by path below it. Gives real paths inside it. */
function project(packages: {
  readonly [path: string]: { readonly version: string; readonly peer?: string };
}): (...parts: string[]) => string {
  const root = inFolder(`project-${projects++}`);
  for (const [path, { version, peer }] of Object.entries(packages)) {
    const folder = join(root, "node_modules", path);
    mkdirSync(folder, { recursive: true });
    const peers = peer === undefined ? {} : { peerDependencies: { "@opentelemetry/api": peer } };
    writeFileSync(join(folder, "package.json"), JSON.stringify({ name: path.split("node_modules/").at(-1), version, ...peers }));
  }
  const real = realpathSync(root);
  return (...parts) => join(real, ...parts);
}

const API = "@opentelemetry/api";

describe("@opentelemetry/api", () => {
  test("missing is a failure", () => {
    expect(apiFindings([project({ left: { version: "1.0.0" } })()])).toEqual([expect.objectContaining({ level: "fail" })]);
  });

  test("once, inside all ranges, is in order", () => {
    const path = project({ [API]: { version: "1.9.1" }, "@opentelemetry/sdk-trace-base": { version: "2.12.1", peer: ">=1.3.0 <1.10.0" } });
    expect(apiFindings([path()])).toEqual([{ check: "otel api", level: "ok", detail: "1.9.1" }]);
  });

  test("in two versions is named with both paths, also where one hides inside another package", () => {
    const path = project({ [API]: { version: "1.9.1" }, lib: { version: "1.0.0" }, [`lib/node_modules/${API}`]: { version: "1.10.0" } });
    const [finding] = apiFindings([path()]);
    expect([finding?.level, finding?.detail]).toEqual([
      "warn",
      `2 versions: 1.9.1 at ${path("node_modules", API)}, 1.10.0 at ${path("node_modules/lib/node_modules", API)}`,
    ]);
  });

  test("in two copies of one version is in order, and named", () => {
    const path = project({ [API]: { version: "1.9.1" }, lib: { version: "1.0.0" }, [`lib/node_modules/${API}`]: { version: "1.9.1" } });
    const [finding] = apiFindings([path()]);
    expect([finding?.level, finding?.detail]).toEqual(["ok", expect.stringContaining(path("node_modules/lib/node_modules", API))]);
  });

  test("outside the range of a package that would load it is named with package, range and paths", () => {
    const path = project({ [API]: { version: "1.9.1" }, "@opentelemetry/sdk-trace": { version: "3.1.1", peer: ">=1.10.0 <1.11.0" } });
    expect(apiFindings([path()])[1]).toEqual({
      check: "otel api",
      level: "warn",
      detail: `@opentelemetry/sdk-trace 3.1.1 at ${path("node_modules/@opentelemetry/sdk-trace")} wants >=1.10.0 <1.11.0 and gets 1.9.1 from ${path("node_modules", API)}`,
      hint: 'npm install "@opentelemetry/api@>=1.10.0 <1.11.0"',
    });
  });

  test("a package with a fitting copy of its own is not blamed for the one above", () => {
    const own = `@opentelemetry/sdk-trace/node_modules/${API}`;
    const sdk = { version: "3.1.1", peer: "^1.10.0" };
    const path = project({ [API]: { version: "1.9.1" }, "@opentelemetry/sdk-trace": sdk, [own]: { version: "1.10.0" } });
    expect(apiFindings([path()]).length).toBe(1);
  });

  test("linked into two trees is one copy", () => {
    const path = project({ [API]: { version: "1.9.1" } });
    const other = path("workspace/node_modules", API);
    mkdirSync(dirname(other), { recursive: true });
    symlinkSync(path("node_modules", API), other);
    expect(apiFindings([path("workspace")])).toEqual([{ check: "otel api", level: "ok", detail: "1.9.1" }]);
  });
});
