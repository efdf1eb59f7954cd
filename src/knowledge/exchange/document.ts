import { z } from "zod";
import { KNOWLEDGE_TYPES, TAINTS } from "../../lesson/lesson.ts";
import { HISTORY_ACTIONS, type HistoryEntry, KNOWLEDGE_STATUSES, type KnowledgeItem, scopeOf, type Validation } from "../knowledge-item.ts";
import { type Incoming, type IncomingItem, idOfWords, problemsOf } from "./incoming.ts";
import { issuesAt, itemsOfFile } from "./json-file.ts";

export const KNOWLEDGE_SCHEMA = "agentlearn.knowledge/v1";

/** One item with all that is known about it. `certificates` are all of them; the item says by `validationId` which one holds. */
export interface ExportedItem extends Omit<KnowledgeItem, "validation"> {
  readonly validationId?: string;
  readonly history: readonly HistoryEntry[];
  readonly certificates: readonly Validation[];
}

export interface KnowledgeDocument {
  readonly schema: typeof KNOWLEDGE_SCHEMA;
  /** By id. */
  readonly items: readonly ExportedItem[];
}

export function exportedItem(item: KnowledgeItem, history: readonly HistoryEntry[], certificates: readonly Validation[]): ExportedItem {
  const { validation, ...rest } = item;
  return { ...rest, ...(validation === undefined ? {} : { validationId: validation.id }), history, certificates };
}

export function knowledgeDocument(items: readonly ExportedItem[]): KnowledgeDocument {
  return { schema: KNOWLEDGE_SCHEMA, items: [...items].sort((a, b) => (a.id < b.id ? -1 : 1)) };
}

/** Ids end up in file names, markers and on command lines. */
const ITEM_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

const shortText = z.string().max(512);
const scopeText = z.string().min(1).max(512).optional();

const historySchema = z.object({
  version: z.int().min(1),
  atUs: z.int(),
  actor: shortText,
  action: z.enum(HISTORY_ACTIONS),
  reason: z.string().max(10_000).optional(),
  changes: z.record(z.string(), z.tuple([z.unknown(), z.unknown()])).default({}),
});

/** What a person has to write is short: type, content and appliesWhen. Unknown fields are ignored, they may be of a later version. */
const itemSchema = z.object({
  id: z.string().regex(ITEM_ID, "is no id of an item").optional(),
  type: z.enum(KNOWLEDGE_TYPES),
  content: z.string(),
  appliesWhen: z.string(),
  tags: z.array(z.string()).default([]),
  agentName: scopeText,
  service: scopeText,
  model: scopeText,
  tenant: scopeText,
  sourceTraceIds: z.array(shortText).max(100_000).default([]),
  analyzer: shortText.default("import"),
  confidence: z.number().default(0.5),
  taint: z.array(z.enum(TAINTS)).default([]),
  revises: z.string().regex(ITEM_ID, "is no id of an item").optional(),
  status: z.enum(KNOWLEDGE_STATUSES).optional(),
  priority: z.enum(["pinned", "normal"]).optional(),
  createdAtUs: z.int().min(0).optional(),
  history: z.array(historySchema).default([]),
  // Kept as papers and never read as evidence, so their inside is not checked.
  certificates: z.array(z.looseObject({ id: z.string() })).default([]),
});

/** Reads a document, naming every problem by file and item. Never throws. */
export function readDocument(text: string, file: string): Incoming {
  const { entries, problems: broken } = itemsOfFile(text, file, KNOWLEDGE_SCHEMA);
  const problems = [...broken];
  const items: IncomingItem[] = [];
  for (const [index, entry] of entries.entries()) {
    const item = readItem(entry, `${file}: item ${index + 1}`);
    if (Array.isArray(item)) problems.push(...item);
    else items.push(item as IncomingItem);
  }
  return { items, problems: [...problems, ...problemsOf(items)] };
}

/** One item of any file, or what is wrong with it. */
export function readItem(entry: unknown, place: string): IncomingItem | readonly string[] {
  const parsed = itemSchema.safeParse(entry);
  if (!parsed.success) return issuesAt(place, parsed.error);
  const { id: named, revises, status, priority, createdAtUs, history, certificates, ...rest } = parsed.data;
  const { agentName: _a, service: _s, model: _m, tenant: _t, ...words } = rest;
  const id = named ?? idOfWords(words);
  return {
    place,
    id,
    ...words,
    scope: scopeOf(rest),
    ...(revises === undefined || revises === id ? {} : { revises }),
    ...(status === undefined ? {} : { status }),
    ...(priority === undefined ? {} : { priority }),
    ...(createdAtUs === undefined ? {} : { createdAtUs }),
    history: history.map(({ reason, ...line }) => ({ itemId: id, ...line, ...(reason === undefined ? {} : { reason }) })),
    certificates: certificates as unknown as readonly Validation[],
  };
}
