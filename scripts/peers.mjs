#!/usr/bin/env node
/**
 * Installs what some tests need beyond Node and npm: `npm run peers [-- NAME...]`.
 * A peer is a folder test/peers/NAME with exact versions in a package.json (npm), a requirements.txt (a Python virtual environment) or a
 * builder.yaml (an OpenTelemetry Collector built with Go). Optional dependencies of npm are builds for one platform each: npm takes the one
 * that fits and one is enough; when none fits, the peer is skipped.
 * Prints one line per peer. A peer that cannot be had is skipped with its reason and is no failure: the tests that need it skip as well.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const PEERS = join(dirname(fileURLToPath(import.meta.url)), "..", "test", "peers");
const TIMEOUT_MS = 240_000;
// A Collector takes 6 minutes on two busy cores.
const BUILD_TIMEOUT_MS = 1_200_000;
const EXIT_BAD_ARGUMENT = 3;

const KINDS = { "package.json": provide, "requirements.txt": providePython, "builder.yaml": provideCollector };
const kindOf = (name) => Object.keys(KINDS).find((file) => existsSync(join(PEERS, name, file)));

const known = (await readdir(PEERS)).filter((name) => kindOf(name) !== undefined).sort();
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`peers: no peer is called ${unknown.join(", ")}; known: ${known.join(", ")}`);
  process.exit(EXIT_BAD_ARGUMENT);
}

for (const name of asked.length > 0 ? asked : known) console.log(`${name}: ${await KINDS[kindOf(name)](join(PEERS, name))}`);

/** "present", "installed" or "skipped: reason". */
async function provide(folder) {
  if ((await missing(folder)).length === 0) return "present";
  const problem = await install(folder);
  if (problem !== undefined) return `skipped: ${problem}`;
  const left = await missing(folder);
  return left.length === 0 ? "installed" : `skipped: no ${left.join(", ")} for ${process.platform}-${process.arch}`;
}

async function providePython(folder) {
  const [wanted, stamp] = [await readFile(join(folder, "requirements.txt"), "utf8"), join(folder, "venv", "requirements.txt")];
  if (existsSync(stamp) && (await readFile(stamp, "utf8")) === wanted) return "present";
  const python = join(folder, "venv", "bin", "python");
  const problem =
    (await run("python3", ["-m", "venv", "venv"], folder)) ??
    (await run(python, ["-m", "pip", "install", "-q", "-r", "requirements.txt"], folder));
  if (problem !== undefined) return `skipped: ${problem}`;
  await writeFile(stamp, wanted);
  return "installed";
}

/** Some minutes on two cores. The version of the builder is the one that the file asks for. */
async function provideCollector(folder) {
  const [wanted, stamp] = [await readFile(join(folder, "builder.yaml"), "utf8"), join(folder, "_otelcol", "builder.yaml")];
  if (existsSync(stamp) && (await readFile(stamp, "utf8")) === wanted) return "present";
  const version = /version: (\d+\.\d+\.\d+)/.exec(wanted)?.[1];
  const env = { GOFLAGS: "-mod=mod", CGO_ENABLED: "0", GOTOOLCHAIN: "local", GOBIN: join(folder, "bin") };
  const problem =
    (await run("go", ["install", `go.opentelemetry.io/collector/cmd/builder@v${version}`], folder, env)) ??
    (await run(join(folder, "bin", "builder"), ["--config=builder.yaml"], folder, env));
  if (problem !== undefined) return `skipped: ${problem}`;
  await writeFile(stamp, wanted);
  return "installed";
}

/** Resolves to what went wrong, in one line, or undefined. */
function run(command, args, cwd, env = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", "ignore", "pipe"],
      timeout: BUILD_TIMEOUT_MS,
    });
    let errors = "";
    child.stderr.on("data", (chunk) => {
      errors = `${errors}${chunk}`.slice(-4_000);
    });
    child.on("error", (error) => resolve(error.code === "ENOENT" ? `there is no ${command} here` : error.message));
    child.on("close", (code, signal) => {
      if (code === 0) resolve(undefined);
      else if (signal !== null) resolve(`${command} took longer than ${BUILD_TIMEOUT_MS / 1000} s`);
      else
        resolve(
          errors
            .trim()
            .split("\n")
            .at(-1)
            ?.replace(/https?:\/\/\S+/g, "the registry") ?? `${command} ended with ${code}`,
        );
    });
  });
}

/** What the folder's package.json names and its node_modules does not hold in that version. */
async function missing(folder) {
  const { dependencies = {}, optionalDependencies = {} } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  const absent = [];
  for (const [name, version] of Object.entries(dependencies)) {
    if ((await installedVersion(folder, name)) !== version) absent.push(name);
  }
  const builds = Object.entries(optionalDependencies);
  const found = await Promise.all(builds.map(async ([name, version]) => (await installedVersion(folder, name)) === version));
  if (builds.length > 0 && !found.includes(true)) absent.push("build");
  return absent;
}

async function installedVersion(folder, name) {
  try {
    return JSON.parse(await readFile(join(folder, "node_modules", name, "package.json"), "utf8")).version;
  } catch {
    return undefined;
  }
}

/** Resolves to what went wrong, in one line, or undefined. Peers may ask for another Node than this one: engines are not enforced here. */
function install(folder) {
  const flags = [
    "--ignore-scripts",
    "--no-package-lock",
    "--no-engine-strict",
    "--no-audit",
    "--no-fund",
    "--no-progress",
    "--loglevel=error",
  ];
  // One retry: without a network the default waits for minutes before it gives up.
  const args = ["install", ...flags, "--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=2000"];
  return new Promise((resolve) => {
    const child = spawn("npm", args, {
      cwd: folder,
      env: environment(),
      stdio: ["ignore", "ignore", "pipe"],
      shell: process.platform === "win32",
      timeout: TIMEOUT_MS,
    });
    let errors = "";
    child.stderr.on("data", (chunk) => {
      errors += chunk;
    });
    child.on("error", (error) => resolve(`npm did not start: ${error.message}`));
    child.on("close", (code, signal) => {
      if (code === 0) resolve(undefined);
      else if (signal !== null) resolve(`npm took longer than ${TIMEOUT_MS / 1000} s`);
      else resolve(reasonIn(errors) ?? `npm ended with ${code}`);
    });
  });
}

/** `npm run` hands the settings of the root package to its children; the peer's folder has its own. */
function environment() {
  const inherited = Object.entries(process.env).filter(
    ([key]) => !/^npm_config_(engine_strict|local_prefix|prefix|workspaces?)$/i.test(key),
  );
  return Object.fromEntries(inherited);
}

/** The first line of npm's complaint that says something, without addresses. */
function reasonIn(errors) {
  const lines = errors.split("\n").filter((line) => line.startsWith("npm error ") && !line.startsWith("npm error code"));
  const code = /^npm error code (\S+)/m.exec(errors)?.[1];
  const line = lines[0]?.replace("npm error ", "").replace(/https?:\/\/\S+/g, "the registry");
  if (code === undefined && line === undefined) return undefined;
  return [code, line].filter((part) => part !== undefined).join(": ");
}
