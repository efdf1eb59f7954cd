/**
 * Faults of the disk under a running collector. Each is { name, possible(), folder, begin(pid), end() } or has a `reason` why it can't be made here.
 * `strace` makes the system calls of a process fail from the moment it is attached until it lets go.
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const SMALL_DISK = "24m";
const WRITES = "pwrite64,write,ftruncate";

/** A disk of 24 MiB in memory that another file fills up, and frees. Needs root. */
export function fullDisk(folder) {
  const disk = join(folder, "small-disk");
  mkdirSync(disk);
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${SMALL_DISK}`, "tmpfs", disk]).status === 0;
  const filler = join(disk, "filler");
  return {
    name: "full",
    reason: mounted ? undefined : "no small disk can be mounted (needs root)",
    folder: disk,
    begin: () => {
      const { bavail, bsize } = statfsSync(disk);
      try {
        writeFileSync(filler, Buffer.alloc(bavail * bsize));
      } catch (error) {
        // The collector took the last of it first.
        if (error.code !== "ENOSPC") throw error;
      }
    },
    end: () => rmSync(filler),
    close: () => mounted && spawnSync("umount", ["-l", disk]),
  };
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
      const paths = ["", "-wal"].flatMap((part) => ["-P", join(folder, `agentlearn.db${part}`)]);
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
