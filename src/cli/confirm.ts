import { confirm, isCancel } from "@clack/prompts";
import { LearnError } from "../base/error.ts";
import type { Terminal } from "./terminal.ts";

/**
 * Goes on only when somebody said yes: by --yes, or at the terminal. Rejects "cancelled" for a no, and "invalid" where nobody can be asked, so that
 * a script never waits.
 */
export async function confirmed(terminal: Terminal, question: string, flags: { readonly yes?: boolean }): Promise<void> {
  if (flags.yes === true) return;
  if (terminal.json || process.stdin.isTTY !== true || process.stderr.isTTY !== true) {
    throw new LearnError("invalid", `nothing was changed: ${question} Nobody can be asked here`, {
      hint: "add --yes when that is what you want",
    });
  }
  const answer = await confirm({ message: question, initialValue: false, output: process.stderr });
  if (isCancel(answer) || !answer) throw new LearnError("cancelled", "nothing was changed");
}
