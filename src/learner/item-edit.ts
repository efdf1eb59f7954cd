import { LearnError } from "../base/error.ts";
import { type KnowledgeItem, SCOPE_FIELDS, type Scope, scopeOf } from "../knowledge/knowledge-item.ts";
import type { Edition } from "../knowledge/life-cycle.ts";
import { KNOWLEDGE_TYPES, type KnowledgeType } from "../lesson/lesson.ts";

/** What a person may change about an item. Absent fields stay. */
export interface ItemEdit {
  readonly content?: string;
  readonly appliesWhen?: string;
  readonly type?: KnowledgeType;
  /** All tags from now on; `addTags` and `removeTags` change those that are there. */
  readonly tags?: readonly string[];
  readonly addTags?: readonly string[];
  readonly removeTags?: readonly string[];
  /** Each field that is named; "" means everywhere. */
  readonly scope?: Scope;
}

/** The item after the edit, as far as an edit may change it. Rejects "invalid" for values that no item may have. */
export function editionOf(item: KnowledgeItem, wanted: ItemEdit): Edition {
  if (wanted.type !== undefined && !KNOWLEDGE_TYPES.includes(wanted.type)) {
    throw new LearnError("invalid", `"${wanted.type}" is not a type of knowledge`, { hint: `one of ${KNOWLEDGE_TYPES.join(", ")}` });
  }
  const removed = new Set(wanted.removeTags ?? []);
  const tags = [...new Set([...(wanted.tags ?? item.tags), ...(wanted.addTags ?? [])])]
    .map((tag) => tag.trim())
    .filter((tag) => !removed.has(tag));
  if (tags.includes("")) throw new LearnError("invalid", "a tag is empty", { hint: "name it, or leave it away" });
  const scope = { ...scopeOf(item), ...wanted.scope };
  return {
    content: wanted.content ?? item.content,
    ...(wanted.appliesWhen === undefined ? {} : { appliesWhen: wanted.appliesWhen }),
    ...(wanted.type === undefined ? {} : { type: wanted.type }),
    tags,
    scope: scopeOf(Object.fromEntries(SCOPE_FIELDS.flatMap((field) => (scope[field] ? [[field, scope[field]]] : [])))),
  };
}
