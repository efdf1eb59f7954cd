import { idFrom, shortId } from "../../base/id.ts";
import { printable } from "../../base/text.ts";
import { guardRecordOf } from "../guards/guard-record.ts";
import type { InjectableItem } from "../injectable.ts";
import { type KnowledgeItem, SCOPE_FIELDS } from "../knowledge-item.ts";
import { readItem } from "./document.ts";
import { readFrontMatter } from "./front-matter.ts";
import type { IncomingItem } from "./incoming.ts";

/** One folder as agents load skills from: `<name>/SKILL.md`, with a name and a description by which an agent decides whether to read on. */
export interface SkillFile {
  /** Lower-case letters, digits and hyphens, at most 64; the folder has to be called like it. */
  readonly name: string;
  readonly text: string;
}

const MAX_DESCRIPTION_CHARS = 1024;
const KEY = "agentlearn-";

/**
 * The item as a skill folder. Only an injectable one, because whoever loads the folder is given the text. Byte-stable: nothing in it changes while the
 * words stay. `name` where the folder has one already.
 */
export function skillFile(item: InjectableItem<KnowledgeItem>, name: string = skillName(item)): SkillFile {
  const condition = clean(item.appliesWhen).replace(/\s+/g, " ");
  const content = clean(item.content);
  const description = `Use when ${condition.replace(/[.\s]+$/, "")}. ${content.split("\n")[0] ?? ""}`
    .slice(0, MAX_DESCRIPTION_CHARS)
    .trim();
  const metadata: readonly (readonly [string, string])[] = [
    ["id", item.id],
    ["type", item.type],
    ["applies-when", condition],
    ["tags", JSON.stringify(item.tags)],
    ...SCOPE_FIELDS.flatMap((field) => (item[field] === undefined ? [] : [[SCOPE_KEYS[field], item[field]] as const])),
    ...(item.revises === undefined ? [] : [["revises", item.revises] as const]),
    ["analyzer", item.analyzer],
    ["confidence", String(item.confidence)],
    ["taint", JSON.stringify(item.taint)],
    ["sources", JSON.stringify(item.sourceTraceIds)],
    ...originOf(item),
  ];
  const head = [`name: ${name}`, `description: ${JSON.stringify(description)}`, "metadata:"];
  const lines = [...head, ...metadata.map(([key, value]) => `  ${KEY}${key}: ${JSON.stringify(value)}`)];
  return { name, text: `---\n${lines.join("\n")}\n---\n\n${content}\n` };
}

/** Whose words the guards found in it, and what a person let pass. */
function originOf(item: InjectableItem<KnowledgeItem>): readonly (readonly [string, string])[] {
  const record = guardRecordOf(item);
  if (record === undefined) return [];
  const objections = record.guards.filter(({ decision }) => decision !== "allow").map(({ guard }) => guard);
  return [
    ["words-of", JSON.stringify(record.taint)],
    ["principals", String(record.principals)],
    ["objections", JSON.stringify(objections)],
  ];
}

const SCOPE_KEYS = { agentName: "agent", service: "service", model: "model", tenant: "tenant" } as const;

/** What the item is about, readable, and the short id that keeps it apart from others. */
function skillName(item: InjectableItem<KnowledgeItem>): string {
  const words = item.appliesWhen
    .toLowerCase()
    .normalize("NFKD")
    .replace(/[^a-z0-9]+/g, "-");
  const id = shortId(item.id)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-");
  return `${words.slice(0, 48)}-${id}`.replace(/-{2,}/g, "-").replace(/^-|-$/g, "");
}

/** The id that our metadata gives a file; undefined for a file of somebody else, or for no skill file at all. */
export function skillItemId(text: string): string | undefined {
  const head = readFrontMatter(text);
  return typeof head === "string" ? undefined : head.metadata[`${KEY}id`];
}

/** A skill file of ours or of anybody; a list says what is wrong with it. One without our metadata is a skill that applies as its description says. */
export function readSkill(text: string, place: string): IncomingItem | readonly string[] {
  const head = readFrontMatter(text);
  if (typeof head === "string") return [`${place}: ${head}`];
  const { fields, metadata, body } = head;
  const missing = ["name", "description"].filter((field) => (fields[field] ?? "") === "");
  if (missing.length > 0) return missing.map((field) => `${place}: the head has no ${field}`);
  const own = (key: string): string | undefined => metadata[`${KEY}${key}`];
  const problems: string[] = [];
  const parsed = (key: string): unknown => {
    try {
      return JSON.parse(own(key) ?? "null") ?? undefined;
    } catch {
      problems.push(`${place}: metadata ${KEY}${key} is not JSON`);
      return undefined;
    }
  };
  const entry = {
    id: own("id") ?? idFrom(["skill", fields["name"] ?? ""]),
    type: own("type") ?? "skill",
    content: body,
    appliesWhen: own("applies-when") ?? fields["description"],
    tags: parsed("tags"),
    agentName: own("agent"),
    service: own("service"),
    model: own("model"),
    tenant: own("tenant"),
    revises: own("revises"),
    analyzer: own("analyzer"),
    confidence: parsed("confidence"),
    taint: parsed("taint"),
    sourceTraceIds: parsed("sources"),
  };
  return problems.length > 0 ? problems : readItem(entry, place);
}

function clean(text: string): string {
  return printable(text.replace(/\r\n?/g, "\n")).trim();
}
