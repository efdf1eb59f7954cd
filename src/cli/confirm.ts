import { createInterface } from "node:readline/promises";
import { LearnError } from "../base/error.ts";
import type { Terminal } from "./terminal.ts";

/**
 * Goes on only when somebody said yes: by --yes, or at the terminal. Rejects "cancelled" for anything but a yes, and "invalid" where nobody can be asked,
 * so that a script never waits. A plain line, which every terminal and screen reader can do.
 */
export async function confirmed(terminal: Terminal, question: string, flags: { readonly yes?: boolean }): Promise<void> {
  if (flags.yes === true) return;
  if (terminal.json || process.stdin.isTTY !== true || process.stderr.isTTY !== true) {
    throw new LearnError("invalid", `nothing was changed: ${question} Nobody can be asked here`, {
      hint: "add --yes when that is what you want",
    });
  }
  const answer = await ask(`${question} [y/N] `);
  if (!/^y(?:es)?$/i.test(answer.trim())) throw new LearnError("cancelled", "nothing was changed");
}

/** What was typed; "" when the line was closed or interrupted instead. */
async function ask(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const closed = new Promise<string>((resolve) => lines.once("close", () => resolve("")));
  try {
    return await Promise.race([lines.question(question), closed]);
  } finally {
    lines.close();
  }
}
