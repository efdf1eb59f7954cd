import { LearnError } from "../../base/error.ts";
import { printable } from "../../base/text.ts";
import type { InjectableItem } from "../injectable.ts";
import { type KnowledgeItem, scopeOf } from "../knowledge-item.ts";
import { readItem } from "./document.ts";
import { type Incoming, type IncomingItem, problemsOf } from "./incoming.ts";

const BEGIN = "<!-- agentlearn:begin -->";
const END = "<!-- agentlearn:end -->";
const ITEM = "<!-- agentlearn:item ";
const ESCAPED = /&((?:amp;)*)lt;!--/g;

/**
 * The items as one section of an AGENTS.md, between its markers: pinned ones first, then by id. Only injectable items, because whoever reads the page is
 * given them. Byte-stable: nothing in it changes while the words stay.
 */
export function agentsSection(items: readonly InjectableItem<KnowledgeItem>[]): string {
  const part = (title: string, priority: string): readonly string[] => {
    const entries = items.filter((item) => item.priority === priority).sort((a, b) => (a.id < b.id ? -1 : 1));
    return entries.length === 0 ? [] : [`### ${title}`, "", ...entries.flatMap(entryLines), ""];
  };
  const body = [...part("Core rules", "pinned"), ...part("When it fits", "normal")];
  return [BEGIN, "## Learned knowledge", "", ...(body.length === 0 ? ["None yet.", ""] : body), END].join("\n");
}

/** The page with this section in place of the one it has, or at its end. Everything else stays to the byte. Rejects "invalid" for markers that make no section. */
export function withSection(page: string, section: string, file: string): string {
  const [begins, ends] = [page.split(BEGIN).length - 1, page.split(END).length - 1];
  if (begins === 0 && ends === 0) {
    const gap = page === "" || page.endsWith("\n\n") ? "" : page.endsWith("\n") ? "\n" : "\n\n";
    return `${page}${gap}${section}\n`;
  }
  if (begins !== 1 || ends !== 1 || page.indexOf(END) < page.indexOf(BEGIN)) {
    throw new LearnError("invalid", `${file} has the markers ${BEGIN} and ${END} not once each, one after the other`, {
      hint: "delete what is left of the section by hand, then export again",
    });
  }
  return `${page.slice(0, page.indexOf(BEGIN))}${section}${page.slice(page.indexOf(END) + END.length)}`;
}

/** The items of the section of a page, also where a person changed their words. */
export function readSection(page: string, file: string): Incoming {
  const text = page.replace(/\r\n?/g, "\n");
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (from === -1 || to < from) return { items: [], problems: [`${file}: has no section between ${BEGIN} and ${END}`] };
  const firstLine = text.slice(0, from).split("\n").length;
  const problems: string[] = [];
  const items: IncomingItem[] = [];
  let entry: { readonly line: number; readonly when: string; readonly content: string[] } | undefined;
  for (const [index, line] of text.slice(from, to).split("\n").entries()) {
    const when = /^- When (.*):$/.exec(line)?.[1];
    if (when !== undefined) {
      if (entry !== undefined) problems.push(`${file}: line ${entry.line}: the item has no ${ITEM}line`);
      entry = { line: firstLine + index, when: unescaped(when), content: [] };
    } else if (line.trimStart().startsWith(ITEM) && entry !== undefined) {
      const item = readEntry(line.trim(), entry, `${file}: line ${entry.line}`);
      if (Array.isArray(item)) problems.push(...item);
      else items.push(item as IncomingItem);
      entry = undefined;
    } else if (entry !== undefined) {
      entry.content.push(line.replace(/^ {2}/, ""));
    }
  }
  if (entry !== undefined) problems.push(`${file}: line ${entry.line}: the item has no ${ITEM}line`);
  return { items, problems: [...problems, ...problemsOf(items)] };
}

function entryLines(item: InjectableItem<KnowledgeItem>): readonly string[] {
  const { id, type, tags, taint, revises, analyzer, confidence, sourceTraceIds } = item;
  // `>` cannot end the comment from inside JSON that writes it as an escape.
  const known = JSON.stringify({ id, type, tags, ...scopeOf(item), revises, analyzer, confidence, taint, sourceTraceIds }).replaceAll(
    ">",
    "\\u003e",
  );
  const content = escaped(item.content.replace(/\r\n?/g, "\n").trim());
  return [
    `- When ${escaped(item.appliesWhen).replace(/\s+/g, " ").trim()}:`,
    ...content.split("\n").map((line) => (line === "" ? "" : `  ${line}`)),
    `  ${ITEM}${known} -->`,
  ];
}

function readEntry(
  line: string,
  entry: { readonly when: string; readonly content: readonly string[] },
  place: string,
): IncomingItem | readonly string[] {
  try {
    const known = JSON.parse(line.slice(ITEM.length).replace(/\s*-->$/, "")) as object;
    return readItem({ ...known, appliesWhen: entry.when, content: unescaped(entry.content.join("\n").trim()) }, place);
  } catch {
    return [`${place}: the ${ITEM}line is damaged`];
  }
}

/** No text of an item opens a comment, so none looks like a marker. What looks escaped already gets one `amp;` more, so that it comes back as it was. */
function escaped(text: string): string {
  return printable(text)
    .replace(ESCAPED, (_all, amps: string) => `&amp;${amps}lt;!--`)
    .replaceAll("<!--", "&lt;!--");
}

function unescaped(text: string): string {
  return text.replace(ESCAPED, (_all, amps: string) => (amps === "" ? "<!--" : `&${amps.slice("amp;".length)}lt;!--`));
}
