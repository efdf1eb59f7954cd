import { readFileSync } from "node:fs";

let known: string | undefined;

/** The version of this package, as its package.json says it; "unknown" where a bundler left that behind. */
export function packageVersion(): string {
  known ??= readVersion();
  return known;
}

function readVersion(): string {
  // Two folders up from the sources, three from what is built of them.
  for (const path of ["../../package.json", "../../../package.json"]) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8")) as {
        readonly name?: string;
        readonly version?: string;
      };
      if (name === "agentlearn" && version !== undefined) return version;
    } catch {
      // The other place then.
    }
  }
  return "unknown";
}
