import { shortId } from "../base/id.ts";
import type { CanaryItem } from "../knowledge/canary-item.ts";
import type { InjectableItem } from "../knowledge/injectable.ts";
import type { ItemInUse } from "../knowledge/knowledge-item.ts";

const CORE = "CORE RULES";
const RELEVANT = "RELEVANT KNOWLEDGE";
const INDEX = "KNOWLEDGE INDEX";
const TRIAL = "TRIAL KNOWLEDGE";
/** As long as a condition may be that the analyzers write; a person's may be longer. */
const MAX_CONDITION_CHARACTERS = 200;

/**
 * The block for the prompt: pinned items as core rules, the others as relevant knowledge, a section without items left out, "" without any.
 * The markers are the only lines of the block that begin with three equals signs, whatever the stored text says.
 */
export function render(items: readonly InjectableItem[]): string {
  return block(items);
}

/** The lines of items that the agent may read with the tool; "" without any. */
export function renderIndex(items: readonly InjectableItem[]): string {
  if (items.length === 0) return "";
  const lines = items.map((item) => `${headerOf(item)} when: ${oneLine(item.appliesWhen)}`);
  return `=== ${INDEX} (read one with recall_knowledge and its id before you need it) ===\n${lines.join("\n")}\n=== END ${INDEX} ===`;
}

/** An item that nobody tested, said to be so. Takes nothing but what a person put into canary. */
export function renderCanary(item: CanaryItem): string {
  return `=== ${TRIAL} (not tested yet: use it only where it clearly fits) ===\n[${item.type.toUpperCase()}] ${shortId(item.id)}\n${cleanContent(item.content)}\n=== END ${TRIAL} ===`;
}

/** The same block with a candidate in it, as the gate puts it before the agent. Never an injection. */
export function renderTrial(active: readonly InjectableItem[], candidate: ItemInUse): string {
  return block([...active, candidate]);
}

/** The block of a run that was, as its items read now and whatever became of them; for repeating that run, never for a new one. */
export function renderReplay(items: readonly ItemInUse[]): string {
  return block(items);
}

function block(items: readonly ItemInUse[]): string {
  const pinned = items.filter((item) => item.priority === "pinned");
  const normal = items.filter((item) => item.priority !== "pinned");
  return [section(`${CORE} (always apply)`, CORE, pinned), section(`${RELEVANT} (context-matched)`, RELEVANT, normal)]
    .filter((text) => text !== "")
    .join("\n\n");
}

/** One item as it stands in its section: a header line and the content. */
export function renderItem(item: ItemInUse): string {
  return `${headerOf(item)}\n${cleanContent(item.content)}`;
}

function headerOf(item: ItemInUse): string {
  const header = `[${item.type.toUpperCase()}] ${shortId(item.id)}`;
  return item.priority === "pinned" ? header : `${header} ${effectivenessOf(item)}`;
}

function oneLine(text: string): string {
  return cleanContent(text).replace(/\s+/gu, " ").slice(0, MAX_CONDITION_CHARACTERS);
}

function section(title: string, end: string, items: readonly ItemInUse[]): string {
  return items.length === 0 ? "" : `=== ${title} ===\n${items.map(renderItem).join("\n")}\n=== END ${end} ===`;
}

function effectivenessOf({ counts }: ItemInUse): string {
  return counts.given === 0 ? "(new)" : `(effectiveness: ${Math.round((100 * counts.givenSuccess) / counts.given)}%)`;
}

/** Everything some reader takes for a line break, so that no line hides inside another. */
const LINE_BREAKS = /\r\n|[\r\v\f\u0085\u2028\u2029]/gu;
/** Controls but tab and newline, lone surrogates, and format characters: zero width, bidi, tags. They hide text from people, not from models.
 *  Joiners go too, which costs some scripts and emoji a ligature: kept, they would split a marker so that no pattern finds it. */
const INVISIBLE = /[^\P{Cc}\t\n]|\p{Cf}|\p{Cs}/gu;
/** One line of ASCII without what a marker or a header begins with. */
const PLAIN_LINE = /^[\t -<>-Z\\-~]*$/;
/** A line that opens with three or more equals signs, or has them around the name of a section anywhere. */
const NAME = "(?:CORE\\s+RULES|(?:RELEVANT|TRIAL)\\s+KNOWLEDGE|KNOWLEDGE\\s+INDEX)";
const MARKER = new RegExp(`^[\\s>*#\`|-]*={3,}|={3,}\\s*(?:END\\s+)?${NAME}|${NAME}[^=]*={3,}`, "iu");
/** A line that looks like the header of an item. */
const HEADER = /^\s*\[\s*\w+\s*\]\s*[0-9a-f]{8}/iu;

/**
 * Stored text as it may stand between the markers. Refused: dropping lines that look like markers, since what a person approved must stay readable in the prompt.
 * Their equals signs become hyphens and the brackets of a fake header parentheses; `===` inside a line of code stays.
 */
export function cleanContent(content: string): string {
  // Most content: nothing in it can be an invisible character, a marker or the header of an item.
  if (PLAIN_LINE.test(content)) return content.trim();
  return content
    .replace(LINE_BREAKS, "\n")
    .replace(INVISIBLE, "")
    .split("\n")
    .map(disarm)
    .join("\n")
    .replace(/\n{3,}/gu, "\n\n")
    .trim();
}

function disarm(line: string): string {
  // Compatibility forms (full-width, superscript) read like the plain character to a model; compare what it reads.
  let plain = line.normalize("NFKC");
  const [isMarker, isHeader] = [MARKER.test(plain), HEADER.test(plain)];
  if (!isMarker && !isHeader) return line.trimEnd();
  if (isMarker) plain = plain.replace(/={3,}/gu, (run) => "-".repeat(run.length));
  if (isHeader) plain = plain.replace("[", "(").replace("]", ")");
  return plain.trimEnd();
}
