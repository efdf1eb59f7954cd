/**
 * Installs the packed package into an empty project, as a user would, and uses it there: what only development dependencies or the checkout
 * provide is missing in that place. Needs a build. Prints one line per trial; exit code 1 when one fails.
 */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const TIMEOUT_MS = 120_000;
const { name, exports, bin } = JSON.parse(await readFile("package.json", "utf8"));
const root = process.cwd();
const folder = await mkdtemp(join(tmpdir(), "agentlearn-installed-"));
let failures = 0;
try {
  const { stdout } = await run("npm", ["pack", root, "--ignore-scripts", "--silent", "--pack-destination", folder]);
  await writeFile(join(folder, "package.json"), JSON.stringify({ name: "user", private: true, type: "module" }));
  const flags = ["--engine-strict", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  await trial("npm install", "npm", ["install", ...flags, `./${stdout.trim().split("\n").at(-1)}`]);
  for (const entry of Object.keys(exports).filter((entry) => !entry.endsWith(".json"))) {
    const specifier = entry.replace(/^\./, name);
    await trial(`import "${specifier}"`, process.execPath, ["--input-type=module", "-e", `await import("${specifier}")`]);
  }
  for (const command of Object.keys(bin)) await trial(`${command} --help`, join(folder, "node_modules", ".bin", command), ["--help"]);
} finally {
  await rm(folder, { recursive: true, force: true });
}
process.exitCode = failures === 0 ? 0 : 1;

async function trial(what, file, args) {
  try {
    await run(file, args);
    console.log(`${what}: ok`);
  } catch (error) {
    failures += 1;
    console.log(`${what}: FAILED\n${error.stderr || error.message}`);
  }
}

function run(file, args) {
  return promisify(execFile)(file, args, { cwd: folder, timeout: TIMEOUT_MS, shell: process.platform === "win32" });
}
