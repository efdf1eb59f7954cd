import { z } from "zod";
import { digest } from "../../base/id.ts";
import type { Validation } from "../knowledge-item.ts";
import type { SnapshotItem } from "../ports.ts";
import { readItem } from "./document.ts";
import { type IncomingItem, problemsOf } from "./incoming.ts";
import { issuesAt, itemsOfFile } from "./json-file.ts";

export const SNAPSHOT_SCHEMA = "agentlearn.snapshot/v1";

/**
 * A snapshot as a file for version control. Equal knowledge gives equal bytes: items by id, keys and sets in the order of their characters, and neither
 * the name nor the time of the snapshot, nor counts.
 */
export function snapshotFile(items: readonly SnapshotItem[]): string {
  const sorted = [...items]
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map((item) => ({
      ...item,
      tags: [...item.tags].sort(),
      taint: [...item.taint].sort(),
      sourceTraceIds: [...item.sourceTraceIds].sort(),
    }));
  return `${JSON.stringify(ordered({ schema: SNAPSHOT_SCHEMA, items: sorted }), null, 2)}\n`;
}

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, ordered(inner)]),
  );
}

const moreSchema = z.object({
  id: z.string(),
  fingerprint: z.string().max(512).optional(),
  // Kept for the next export and read by nobody: a certificate counts where it was made.
  validation: z.looseObject({ id: z.string() }).optional(),
});

/** Reads what `snapshotFile` wrote, naming every problem by file and item. Never throws. */
export function readSnapshotFile(
  text: string,
  file: string,
): { readonly items: readonly SnapshotItem[]; readonly problems: readonly string[] } {
  const { entries, problems: broken } = itemsOfFile(text, file, SNAPSHOT_SCHEMA);
  const problems = [...broken];
  const incoming: IncomingItem[] = [];
  const items: SnapshotItem[] = [];
  for (const [index, entry] of entries.entries()) {
    const place = `${file}: item ${index + 1}`;
    const [item, more] = [readItem(entry, place), moreSchema.safeParse(entry)];
    if (!("id" in item)) problems.push(...item);
    else if (!more.success) problems.push(...issuesAt(place, more.error));
    else {
      incoming.push(item);
      items.push(snapshotItem(item, more.data));
    }
  }
  return { items, problems: [...problems, ...problemsOf(incoming)] };
}

function snapshotItem(item: IncomingItem, more: z.infer<typeof moreSchema>): SnapshotItem {
  const { id, type, content, appliesWhen, tags, scope, sourceTraceIds, analyzer, confidence, taint, revises } = item;
  return {
    id,
    type,
    content,
    appliesWhen,
    tags,
    ...scope,
    sourceTraceIds,
    analyzer,
    confidence,
    taint,
    ...(revises === undefined ? {} : { revises }),
    priority: item.priority ?? "normal",
    status: item.status ?? "candidate",
    fingerprint: more.fingerprint ?? digest(["imported", id]),
    createdAtUs: item.createdAtUs ?? 0,
    ...(more.validation === undefined ? {} : { validation: more.validation as unknown as Validation }),
  };
}
