import { readFileSync } from "node:fs";

/** Resident memory of a process of this machine, in MiB; undefined where there is no /proc or the process is gone. */
export function residentMib(pid) {
  try {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
  } catch {
    return undefined;
  }
}

/** Looks every few milliseconds until `stop`, which gives { start, peak, end } in MiB. */
export function watchMemory(pid, everyMs = 5) {
  const start = residentMib(pid);
  let peak = start;
  const look = () => {
    const now = residentMib(pid);
    if (now > peak) peak = now;
    return now;
  };
  const timer = setInterval(look, everyMs);
  return {
    peak: () => peak,
    stop: () => {
      clearInterval(timer);
      const end = look();
      return { start, peak, end };
    },
  };
}
