import type { Command } from "commander";
import { LearnError } from "../base/error.ts";
import type { ItemFilter } from "../knowledge/filter.ts";
import { KNOWLEDGE_STATUSES } from "../knowledge/knowledge-item.ts";
import { KNOWLEDGE_TYPES, TAINTS } from "../lesson/lesson.ts";

/** The flags by which commands say which items they mean. */
export interface FilterFlags {
  readonly status?: string;
  readonly type?: string;
  readonly agent?: string;
  readonly service?: string;
  // Not `model`: every command takes --model for the model that AgentLearn itself asks.
  readonly forModel?: string;
  readonly tenant?: string;
  readonly tag?: readonly string[];
  readonly taint?: string;
  // Not `analyzer`, which says what mines lessons.
  readonly foundBy?: string;
  readonly pinned?: boolean;
  readonly quarantined?: boolean;
  readonly query?: string;
}

export function addFilter(command: Command): Command {
  return command
    .option("--status <status>", `only one of ${KNOWLEDGE_STATUSES.join(", ")}`)
    .option("--type <type>", `only one of ${KNOWLEDGE_TYPES.join(", ")}`)
    .option("--agent <name>", "only items of this agent")
    .option("--service <name>", "only items of this service")
    .option("--for-model <name>", "only items of this model")
    .option("--tenant <name>", "only items of this tenant")
    .option("--tag <tag>", "only items with this tag; repeat it for several", collected)
    .option("--taint <source>", `only items with words from one of ${TAINTS.join(", ")}`)
    .option("--found-by <analyzer>", "only items that this analyzer found")
    .option("--pinned", "only pinned items")
    .option("--quarantined", "only items that a guard objects to and no person has decided on")
    .option("--query <words>", "only items with all these words in the text or the condition");
}

/** The flags as a filter. Rejects "invalid" for a value that no item can have, since that would mean none without a word. */
export function filterOf(flags: FilterFlags): ItemFilter {
  const status = oneOf("--status", "state", flags.status, KNOWLEDGE_STATUSES);
  const type = oneOf("--type", "type of knowledge", flags.type, KNOWLEDGE_TYPES);
  const taint = oneOf("--taint", "source", flags.taint, TAINTS);
  return {
    ...(status === undefined ? {} : { status }),
    ...(type === undefined ? {} : { type }),
    ...(taint === undefined ? {} : { taint }),
    ...(flags.agent === undefined ? {} : { agentName: flags.agent }),
    ...(flags.service === undefined ? {} : { service: flags.service }),
    ...(flags.forModel === undefined ? {} : { model: flags.forModel }),
    ...(flags.tenant === undefined ? {} : { tenant: flags.tenant }),
    ...(flags.tag === undefined ? {} : { tags: flags.tag }),
    ...(flags.foundBy === undefined ? {} : { analyzer: flags.foundBy }),
    ...(flags.pinned === true ? { priority: "pinned" } : {}),
    ...(flags.quarantined === true ? { quarantined: true } : {}),
    ...(flags.query === undefined ? {} : { query: flags.query }),
  };
}

/** One value for each time the flag is given. */
export function collected(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

export function oneOf<T extends string>(flag: string, noun: string, value: string | undefined, known: readonly T[]): T | undefined {
  if (value === undefined || known.includes(value as T)) return value as T | undefined;
  throw new LearnError("invalid", `${flag} ${value} is not a ${noun}`, { hint: `one of ${known.join(", ")}` });
}
