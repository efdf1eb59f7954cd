/**
 * Faults of the disk under a running collector. Each is { name, possible(), folder, begin(pid), end() } or has a `reason` why it can't be made here.
 * `strace` makes the system calls of a process fail from the moment it is attached until it lets go.
 */
import { spawn, spawnSync } from "node:child_process";
import { appendFileSync, mkdirSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const MIB = 1024 * 1024;
// Not so small that the store itself fills it: what is measured is that it goes on when there is room again.
const SMALL_DISK_MIB = 256;
const WRITES = "pwrite64,pwritev,write,ftruncate";
// Each failed sync of a segment begins another.
const SEGMENTS = 200;

/** A disk of 256 MiB in memory that another file fills up, and frees. Needs root. */
export function fullDisk(folder) {
  const disk = join(folder, "small-disk");
  mkdirSync(disk);
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${SMALL_DISK_MIB}m`, "tmpfs", disk]).status === 0;
  const filler = join(disk, "filler");
  return {
    name: "full",
    reason: mounted ? undefined : "no small disk can be mounted (needs root)",
    folder: disk,
    begin: () => {
      try {
        for (let left = room(disk); left > 0; left = room(disk)) appendFileSync(filler, Buffer.alloc(Math.min(left, MIB)));
      } catch (error) {
        // The collector took the last of it first.
        if (error.code !== "ENOSPC") throw error;
      }
    },
    end: () => rmSync(filler),
    close: () => mounted && spawnSync("umount", ["-l", disk]),
  };
}

function room(folder) {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/** System calls that fail with an error number. `every`: which of them, as strace counts. */
export function failingCalls(name, folder, { calls = WRITES, error, every }) {
  const can = spawnSync("strace", ["-f", "-o", "/dev/null", "-e", "trace=none", "true"]).status === 0;
  const log = join(folder, `${name}.strace`);
  let tracer;
  return {
    name,
    reason: can ? undefined : "strace is not here or may not trace",
    folder,
    begin: async (pid) => {
      const inject = `inject=${calls}:error=${error}${every === undefined ? "" : `:when=${every}`}`;
      // Only files of the store: a socket whose write fails says nothing about the disk.
      const segments = Array.from({ length: SEGMENTS }, (_, index) => `-bodies/${String(index + 1).padStart(8, "0")}.bodies`);
      const paths = ["", "-wal", ...segments].flatMap((part) => ["-P", join(folder, `agentlearn.db${part}`)]);
      tracer = spawn("strace", ["-f", "-qq", "-p", String(pid), "-o", log, ...paths, "-e", `trace=${calls}`, "-e", inject], {
        stdio: "ignore",
      });
      await sleep(200);
    },
    end: async () => {
      const gone = new Promise((resolve) => tracer.once("close", resolve));
      tracer.kill("SIGINT");
      await gone;
    },
    injected: () => readFileSync(log, "utf8").split("(INJECTED)").length - 1,
    close: () => tracer?.kill("SIGKILL"),
  };
}
