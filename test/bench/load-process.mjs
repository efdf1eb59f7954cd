import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const FOLDER = dirname(fileURLToPath(import.meta.url));
// What 16 connections of the careful peer hold; each commit waits for them all.
const BLOBS_PER_COMMIT = 16;

/** Runs span-load-child.mjs, see there, and resolves to what it counted. */
export async function load(options) {
  return JSON.parse(await output("span-load-child.mjs", JSON.stringify(options)));
}

export async function bareBlobs({ folder, spans, seconds, seed }) {
  const options = { file: join(folder, "blobs.db"), spans, bodies: BLOBS_PER_COMMIT, seconds, seed };
  return JSON.parse(await output(join("peers", "bare-blobs-child.mjs"), JSON.stringify(options)));
}

/** Starts test/bench/peers/NAME-child.mjs on a file of its own: { url, kill }. */
export async function startPeer(name, folder) {
  const child = spawn(process.execPath, [join(FOLDER, "peers", `${name}-child.mjs`), join(folder, "peer.db")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise((resolve) => child.once("close", resolve));
  const port = await new Promise((resolve, reject) => {
    child.stdout.once("data", (line) => resolve(Number(line)));
    child.once("close", () => reject(new Error(`the peer ${name} did not start`)));
  });
  return {
    url: `http://127.0.0.1:${port}`,
    kill: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

function output(file, argument) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(FOLDER, file), argument], { stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    child.stdout.on("data", (chunk) => {
      text += chunk;
    });
    child.once("error", reject);
    child.once("close", (code) => (code === 0 ? resolve(text) : reject(new Error(`${file} ended with ${code}`))));
  });
}
