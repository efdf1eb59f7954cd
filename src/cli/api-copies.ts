import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Finding } from "./finding.ts";
import { satisfies } from "./version-range.ts";

const API = "@opentelemetry/api";

interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly peerDependencies?: { readonly [name: string]: string };
}

interface Installed extends Manifest {
  readonly folder: string;
}

// A tree of 2,000 packages is large; whoever has more gets an answer about the first of them rather than a wait.
const MAX_FOLDERS = 20_000;

/**
 * Looks for `@opentelemetry/api` in every node_modules that modules in `folders` can see. An SDK registered through an older API hides its tracer from
 * a library that brings a newer one, without a word: seen with 1.9 and 1.10.
 */
export function apiFindings(folders: readonly string[]): readonly Finding[] {
  const installed = installedIn(folders);
  const copies = installed.filter(({ name }) => name === API);
  if (copies.length === 0) return [{ check: "otel api", level: "fail", detail: `${API} is not installed`, hint: `npm install ${API}` }];
  return [copyFinding(copies), ...outsideOf(installed)];
}

function copyFinding(copies: readonly Installed[]): Finding {
  const versions = [...new Set(copies.map(({ version }) => version ?? "?"))].sort();
  const places = copies.map(({ version, folder }) => `${version ?? "?"} at ${folder}`).join(", ");
  if (versions.length > 1) {
    const hint = "npm dedupe, or npm install one version, so that all see the same tracer: behind an older one a newer copy traces nothing";
    return { check: "otel api", level: "warn", detail: `${versions.length} versions: ${places}`, hint };
  }
  const same = copies.length === 1 ? (versions[0] ?? "?") : `${copies.length} copies of one version, which share a tracer: ${places}`;
  return { check: "otel api", level: "ok", detail: same };
}

/** Packages that would load an API they were not made for. */
function outsideOf(installed: readonly Installed[]): readonly Finding[] {
  return installed.flatMap(({ name, version, folder, peerDependencies }) => {
    const range = peerDependencies?.[API];
    const loaded = range === undefined ? undefined : apiSeenFrom(folder);
    if (range === undefined || loaded?.version === undefined || satisfies(loaded.version, range) !== false) return [];
    const detail = `${name} ${version} at ${folder} wants ${range} and gets ${loaded.version} from ${loaded.folder}`;
    return [{ check: "otel api", level: "warn" as const, detail, hint: `npm install "${API}@${range}"` }];
  });
}

/** What `require` finds from a folder: the nearest node_modules upwards. */
function apiSeenFrom(folder: string): Installed | undefined {
  for (const modules of nodeModulesAbove(folder)) {
    const found = installedAt(join(modules, API));
    if (found !== undefined) return found;
  }
  return undefined;
}

function nodeModulesAbove(folder: string): readonly string[] {
  const up = dirname(folder);
  return [join(folder, "node_modules"), ...(up === folder ? [] : nodeModulesAbove(up))];
}

function installedIn(folders: readonly string[]): readonly Installed[] {
  const seen = new Set<string>();
  const found: Installed[] = [];
  const open = [...new Set(folders.flatMap(nodeModulesAbove))].reverse();
  for (let modules = open.pop(); modules !== undefined && seen.size < MAX_FOLDERS; modules = open.pop()) {
    for (const folder of packagesIn(modules)) {
      if (seen.has(folder)) continue;
      seen.add(folder);
      const one = installedAt(folder);
      if (one !== undefined) found.push(one);
      const inside = join(folder, "node_modules");
      if (existsSync(inside)) open.push(inside);
    }
  }
  return found;
}

/** By their real names: links of a workspace or of pnpm lead to one folder. */
function packagesIn(modules: string): readonly string[] {
  return namesIn(modules).flatMap((name) => {
    if (name === ".pnpm") return namesIn(join(modules, name)).flatMap((store) => packagesIn(join(modules, name, store, "node_modules")));
    if (name.startsWith(".")) return [];
    const below = name.startsWith("@") ? namesIn(join(modules, name)).map((inner) => join(name, inner)) : [name];
    return below.flatMap((path) => realPath(join(modules, path)) ?? []);
  });
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    // A link to nowhere.
    return undefined;
  }
}

function installedAt(folder: string): Installed | undefined {
  try {
    const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
    return typeof manifest.name === "string" ? { ...manifest, folder: realPath(folder) ?? folder } : undefined;
  } catch {
    return undefined;
  }
}
