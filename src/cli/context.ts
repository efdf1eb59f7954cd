import { existsSync } from "node:fs";
import type { Command } from "commander";
import { systemClock } from "../base/clock.ts";
import { isLearnError, LearnError } from "../base/error.ts";
import { printable } from "../base/text.ts";
import { userName } from "../base/user-name.ts";
import { createEvalDesk } from "../compose/eval-desk.ts";
import { safetyFrom } from "../compose/safety-from.ts";
import { trialRunner } from "../compose/trial-runner.ts";
import { type Config, configKeys } from "../config/config.ts";
import { loadConfig } from "../config/load-config.ts";
import type { AgentRunner } from "../knowledge/ports.ts";
import { createKnowledgeDesk, type KnowledgeDesk } from "../learner/knowledge-desk.ts";
import { openStore } from "../store/open.ts";
import type { Store } from "../store/ports.ts";
import { createTerminal, type Terminal } from "./terminal.ts";

/** What every command gets: settings by precedence, the terminal, and the store when it asks. */
export interface CommandContext {
  readonly config: Config;
  readonly terminal: Terminal;
  /**
   * Opens the store, through its running owner where there is one, and closes it afterwards. Rejects "not-found" unless it may be made.
   * Drained first unless `drain: false` says not to.
   */
  withStore<T>(work: (store: Store) => Promise<T>, options?: StoreUse): Promise<T>;
  /** `runner`: the agent that safety cases are asked of before an approval. */
  withDesk<T>(work: (desk: KnowledgeDesk, store: Store) => Promise<T>, options?: { readonly runner?: AgentRunner }): Promise<T>;
}

/** How a command wants its store. */
export interface StoreUse {
  readonly create?: boolean;
  readonly drain?: boolean;
}

/** Flags of the program and of the command, read as one. */
export function contextOf(command: Command): CommandContext {
  const flags = command.optsWithGlobals<{ readonly json?: boolean; readonly [key: string]: unknown }>();
  const settings = Object.fromEntries(configKeys.map((key) => [key, flags[key]]));
  const config = loadConfig({ flags: settings, env: process.env });
  const terminal = createTerminal({ json: flags.json === true });

  async function withStore<T>(work: (opened: Store) => Promise<T>, options: StoreUse = {}): Promise<T> {
    if (options.create !== true) refuseMissing(config.store);
    const opened = await openStore({ url: config.store, name: `agentlearn ${command.name()}`, mode: "share", ingest: "on-demand" });
    try {
      if (options.drain !== false) await drain(opened, terminal);
      return await work(opened);
    } finally {
      await opened.close();
    }
  }

  return {
    config,
    terminal,
    withStore,
    withDesk: (work, { runner } = {}) =>
      withStore((store) => {
        const evals = createEvalDesk({ store, needStore: () => undefined, config });
        const safety = safetyFrom({ store, config, evals, runner: () => (runner === undefined ? undefined : trialRunner(runner)) });
        return work(createKnowledgeDesk({ store, clock: systemClock, actor: `cli:${userName()}`, safety }), store);
      }),
  };
}

/** Agents only append; what is complete by now is made readable first. On a full disk what was readable before still is. */
async function drain(opened: Store, terminal: Terminal): Promise<void> {
  await opened.drain({ force: false }).catch((caught: unknown) => {
    if (!isLearnError(caught) || !caught.retryable) throw caught;
    terminal.note(`what came last is not shown: ${printable(caught.message)}`);
  });
}

/** A mistyped path must not quietly become an empty store. */
function refuseMissing(url: string): void {
  if (/^(https?|wss?|libsql):/.test(url)) return;
  const path = url.replace(/^file:/, "");
  if (existsSync(path)) return;
  throw new LearnError("not-found", `there is no store at ${path}`, {
    hint: "start one with `agentlearn up`, see one filled with `agentlearn demo`, or name yours with --store / AGENTLEARN_STORE",
  });
}
