import { oneLine, printable } from "../base/text.ts";
import type { DiffPart } from "../base/word-diff.ts";
import { canaryItem } from "../knowledge/canary-item.ts";
import type { ShownEntry, WordChanges } from "../knowledge/history.ts";
import { type HistoryEntry, type KnowledgeItem, SCOPE_FIELDS, type Validation } from "../knowledge/knowledge-item.ts";
import { isOnTrial } from "../knowledge/online-trial.ts";
import { paint } from "./terminal.ts";

/** One item as a page: text, where it comes from, what was tested, what happened to it. */
export function itemText(
  item: KnowledgeItem,
  history: readonly ShownEntry[],
  validations: readonly Validation[],
  effect: readonly string[] = [],
): string {
  const scope = SCOPE_FIELDS.flatMap((field) => (item[field] === undefined ? [] : [`${SCOPE_NAMES[field]} ${item[field]}`]));
  const lines = [
    `${paint("bold", item.id)}  ${item.type}  ${item.status}${item.priority === "pinned" ? "  pinned" : ""}${canaryItem(item) === undefined ? "" : "  in canary"}${isOnTrial(item) ? "  on trial" : ""}  version ${item.version}`,
    "",
    printable(item.content),
    "",
    `applies when  ${oneLine(item.appliesWhen, 300)}`,
    `scope         ${oneLine(scope.join(", "), 300) || "everywhere"}`,
    `tags          ${oneLine(item.tags.join(", "), 300) || "none"}`,
    `from traces   ${sources(item)} (${oneLine(item.analyzer, 80)}, confidence ${item.confidence})`,
    ...(item.revises === undefined
      ? []
      : [`revises       ${oneLine(item.revises.slice(0, 8), 8)}, which it replaces when it becomes active`]),
    `exposure      given ${item.counts.given} (${item.counts.givenSuccess} succeeded), withheld ${item.counts.withheld} (${item.counts.withheldSuccess} succeeded)`,
    ...effect,
  ];
  for (const validation of validations) {
    lines.push(
      "",
      `${paint("bold", "evidence")}      ${validation.kind}: ${isTrialNote(validation) ? "begun" : validation.decision} by ${printable(validation.actor)}`,
      `              ${printable(validation.reason)}`,
    );
    for (const pair of validation.pairs.filter((entry) => entry.candidateScore < entry.baselineScore).slice(0, 5)) {
      lines.push(
        `              broke: ${oneLine(pair.task, 100)}`,
        `                     ${oneLine(pair.baselineOutput ?? "", 60)} -> ${oneLine(pair.candidateOutput ?? "", 60)}`,
      );
    }
  }
  lines.push("", paint("bold", "history"), ...history.flatMap(entryText));
  return lines.join("\n");
}

const SCOPE_NAMES = { agentName: "agent", service: "service", model: "model", tenant: "tenant" } as const;

function isTrialNote({ online }: Validation): boolean {
  return online !== undefined && online.endedAtUs === undefined;
}

function sources({ sourceTraceIds: ids }: KnowledgeItem): string {
  const more = ids.length > 5 ? ` and ${ids.length - 5} more` : "";
  const named = ids.slice(0, 5).map((id) => oneLine(id.slice(0, 12), 12));
  return ids.length === 0 ? "none" : `${named.join(", ")}${more}`;
}

function entryText(entry: ShownEntry): readonly string[] {
  const reason = entry.reason === undefined ? "" : `: ${oneLine(entry.reason, 200)}`;
  const head = `  v${entry.version} ${new Date(entry.atUs / 1000).toISOString()} ${entry.action} by ${printable(entry.actor)}${reason}`;
  return [head, ...changesText(entry.changes, entry.words)];
}

/** One line per changed field: words as a word diff, everything else as before -> after. */
export function changesText(changes: HistoryEntry["changes"], words: WordChanges): readonly string[] {
  return Object.entries(changes).map(([field, [before, after]]) => {
    const diff = (words as { readonly [field: string]: readonly DiffPart[] | undefined })[field];
    const text = diff === undefined ? `${valueText(before)} -> ${valueText(after)}` : diffText(diff);
    return `       ${printable(field)}: ${text}`;
  });
}

/** Visible, and set in: no line of a text can pass for a line of the page around it. */
const NEW_LINE = "\u23ce\n         ";

/** `[-gone-]` and `{+new+}` as other word diffs have it, red and green on a terminal. */
export function diffText(parts: readonly DiffPart[]): string {
  const shown = {
    same: (text: string) => text,
    removed: (text: string) => paint("red", `[-${text}-]`),
    added: (text: string) => paint("green", `{+${text}+}`),
  };
  return parts.map(({ kind, text }) => shown[kind](printable(text).replaceAll("\n", NEW_LINE))).join("");
}

function valueText(value: unknown): string {
  return oneLine(typeof value === "string" ? value : value === null || value === undefined ? "-" : JSON.stringify(value), 120);
}
