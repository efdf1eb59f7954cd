import { progress } from "@clack/prompts";
import type { Terminal } from "./terminal.ts";

export interface ProgressBar {
  to(done: number, label?: string): void;
  end(label: string): void;
}

/** A bar on a terminal, nothing elsewhere. */
export function createProgressBar({ json }: Terminal, total: number, label: string): ProgressBar {
  if (json || process.stderr.isTTY !== true || process.env["CI"] !== undefined || process.env["TERM"] === "dumb")
    return { to() {}, end() {} };
  const bar = progress({ max: Math.max(1, total), output: process.stderr });
  let last = 0;
  bar.start(label);
  return {
    to(done, more) {
      bar.advance(Math.max(0, done - last), more);
      last = Math.max(last, done);
    },
    end: (text) => bar.stop(text),
  };
}
