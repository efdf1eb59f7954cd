import { posix } from "node:path";
import { readModule } from "./imports.ts";
import type { Architecture } from "./layer-table.ts";

/** Path from the root, with `/`, to text. */
export type Files = ReadonlyMap<string, string>;

const MAX_LINES = 400;

/** Every import that the table does not allow, as "file -> imported file: rule". */
export function importBreaches(files: Files, { layers }: Architecture, packageName: string): readonly string[] {
  const breaches: string[] = [];
  for (const [path, text] of files) {
    const layer = layers.find(({ owns }) => owns(path));
    if (layer === undefined) {
      breaches.push(`${path}: stands in no row of the layer table`);
      continue;
    }
    for (const name of readModule(path, text).imports) {
      if (name === packageName || name.startsWith(`${packageName}/`)) {
        breaches.push(`${path} -> ${name}: name the file, not the package's own entry`);
        continue;
      }
      if (!name.startsWith(".")) continue;
      const target = posix.join(posix.dirname(path), name);
      if (!files.has(target)) breaches.push(`${path} -> ${target}: there is no such file in src/ or collector/`);
      else if (!layer.owns(target) && !layer.allows(target)) breaches.push(`${path} -> ${target}: ${layer.name} may import ${layer.rule}`);
    }
  }
  return breaches;
}

/** Only the public entries hand on what other files export; inside a room one imports the file that has it. */
export function barrelBreaches(files: Files, publicEntries: readonly string[]): readonly string[] {
  return [...files]
    .filter(([path]) => !publicEntries.includes(path))
    .flatMap(([path, text]) => [
      ...readModule(path, text).reExports.map((name) => `${path}: hands on ${name}`),
      ...(posix.basename(path) === "index.ts" ? [`${path}: an index file inside a room`] : []),
    ]);
}

export function lengthBreaches(files: Files): readonly string[] {
  return [...files]
    .map(([path, text]) => ({ path, lines: text.replace(/\n$/, "").split("\n").length }))
    .filter(({ lines }) => lines > MAX_LINES)
    .map(({ path, lines }) => `${path}: ${lines} lines, at most ${MAX_LINES}`);
}

export function nameBreaches(files: Files): readonly string[] {
  const kebab = /^(?:[a-z0-9]+(?:-[a-z0-9]+)*\/)+[a-z0-9]+(?:-[a-z0-9]+)*(?:\.d)?\.ts$/;
  return [...files.keys()].filter((path) => path.endsWith(".ts") && !kebab.test(path)).map((path) => `${path}: not kebab-case`);
}

/** Who knows one stage knows all: each has its ports, its noun and its verb. */
export function shapeBreaches(files: Files, { stages }: Architecture): readonly string[] {
  return stages.flatMap(({ name, verb, nouns }) =>
    ["ports", nouns[0], verb]
      .map((stem) => `src/${name}/${stem}.ts`)
      .filter((path) => !files.has(path))
      .map((path) => `${path}: missing`),
  );
}
