import { type Clause, clausesOf, demandsOf } from "./clause.ts";
import { subjectOf } from "./words.ts";

// Lessons have at most 400 characters. What people and files bring may be longer, and the patterns below are not linear.
const MOST_READ = 2_000;
const MOST_CLAUSES = 32;

/** What was read of a text. Most pairs are about different things, which the situations show; the rest is read when it is asked for. */
export interface Read {
  readonly content: string;
  readonly appliesWhen: string;
  readonly situation: ReadonlySet<string>;
  readonly subject: () => ReadonlySet<string>;
  readonly said: () => ReadonlySet<string>;
  readonly clauses: () => readonly Clause[];
}

const reads = new WeakMap<object, Read>();
// Rows of a store are new objects at each read, their texts are not. 1,000: the 200 that a save is compared with, of several scopes, at some 5 kB each.
const MOST_REMEMBERED = 1_000;
const readsOfTexts = new Map<string, Read>();

/** What a text says and where it applies. Read once per object, and once per text as long as that is remembered. */
export function readWords(item: { readonly content: string; readonly appliesWhen: string }): Read {
  const { content, appliesWhen } = item;
  const known = reads.get(item);
  if (known?.content === content && known.appliesWhen === appliesWhen) return known;
  const key = `${content}\0${appliesWhen}`;
  const read = readsOfTexts.get(key) ?? readText(content, appliesWhen);
  // Taken out and put in again, the first of the map is the one that was not used for the longest time.
  readsOfTexts.delete(key);
  readsOfTexts.set(key, read);
  const [oldest] = readsOfTexts.size > MOST_REMEMBERED ? readsOfTexts.keys() : [];
  if (oldest !== undefined) readsOfTexts.delete(oldest);
  reads.set(item, read);
  return read;
}

function readText(content: string, appliesWhen: string): Read {
  const [said, when] = [content.slice(0, MOST_READ), appliesWhen.slice(0, MOST_READ)];
  const situation = isEverywhere(when) ? new Set<string>() : subjectOf(when);
  const subject = once(() => subjectOf(demandsOf(said).join("\n")));
  return {
    content,
    appliesWhen,
    situation,
    subject,
    said: once(() => new Set([...subject(), ...situation])),
    clauses: once(() => clausesOf(said).slice(0, MOST_CLAUSES)),
  };
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** A condition that holds for every task. */
export function isEverywhere(appliesWhen: string): boolean {
  return /^[\s"'.*]*(?:always|ever|everything|everywhere|anything|any|all|every|whenever|general|generally|n\/?a|none|true)?(?:\s+(?:the\s+)?(?:time|times|task|tasks|case|cases|request|requests|question|questions|query|queries|situation|situations|run|runs|input|inputs|conversation|answering|knowledge))?[\s"'.*]*$/i.test(
    appliesWhen,
  );
}
