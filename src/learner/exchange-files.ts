import { mkdir, readdir, readFile, rename, rm, rmdir, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fromUnknown, LearnError } from "../base/error.ts";
import { newId } from "../base/id.ts";
import { skillFile, skillItemId } from "../knowledge/exchange/skill-file.ts";
import type { InjectableItem } from "../knowledge/injectable.ts";
import type { KnowledgeItem } from "../knowledge/knowledge-item.ts";

/** Beyond this a file is no list of rules. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;
const SKILL = "SKILL.md";

export interface SkillsReport {
  readonly folder: string;
  /** Names of the folders that hold an item now. */
  readonly written: readonly string[];
  /** Of those, the ones whose file was not what it is now. */
  readonly changed: readonly string[];
  /** Folders of ours whose item is not among them. */
  readonly stale: readonly string[];
  readonly pruned: boolean;
}

export async function readTextFile(file: string, options: { readonly missing?: string } = {}): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size > MAX_FILE_BYTES) throw new LearnError("too-large", `${file} has ${size} bytes, more than ${MAX_FILE_BYTES}`);
    // Not the lenient decoder: it would turn broken bytes into text that nobody wrote.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(await readFile(file));
  } catch (caught) {
    if ((caught as NodeJS.ErrnoException).code === "ENOENT" && options.missing !== undefined) return options.missing;
    throw fromUnknown(caught, `cannot read ${file}`, "invalid");
  }
}

/** Whole or not at all: written beside the file and moved over it. */
export async function writeTextFile(file: string, text: string): Promise<void> {
  const beside = `${file}.${newId().slice(0, 8)}.new`;
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(beside, text, { flag: "wx" });
    await rename(beside, file);
  } catch (caught) {
    await rm(beside, { force: true });
    throw fromUnknown(caught, `cannot write ${file}`, "invalid");
  }
}

/** Every `<folder>/<name>/SKILL.md`, by name; the folder itself may be one. */
export async function readSkillFolders(
  folder: string,
): Promise<readonly { readonly name: string; readonly place: string; readonly text: string }[]> {
  const names = await folderNames(folder);
  const files = [...(names.includes(SKILL) ? ["."] : []), ...names.filter((name) => name !== SKILL)];
  const found: { name: string; place: string; text: string }[] = [];
  for (const name of files.sort()) {
    const place = join(folder, name, SKILL);
    if (await isFile(place)) found.push({ name, place, text: await readTextFile(place) });
  }
  if (found.length > 0) return found;
  throw new LearnError("not-found", `there is no ${SKILL} in ${folder}, nor in a folder of it`, {
    hint: "name the folder that holds the skill folders",
  });
}

export async function writeSkillFolders(
  folder: string,
  items: readonly InjectableItem<KnowledgeItem>[],
  prune: boolean,
): Promise<SkillsReport> {
  // An item keeps the folder it was written to once, also when its words have changed since.
  const nameOf = new Map<string, string>();
  const textOf = new Map<string, string>();
  for (const name of await folderNames(folder, [])) {
    const file = join(folder, name, SKILL);
    if (!(await isFile(file))) continue;
    const text = await readTextFile(file);
    const id = skillItemId(text);
    if (id !== undefined) nameOf.set(id, name);
    textOf.set(name, text);
  }
  const [written, changed]: [string[], string[]] = [[], []];
  for (const item of items) {
    const { name, text } = skillFile(item, nameOf.get(item.id));
    if (textOf.has(name) && nameOf.get(item.id) !== name) {
      throw new LearnError("conflict", `${join(folder, name)} holds a skill of somebody else`, { hint: "export to another folder" });
    }
    nameOf.delete(item.id);
    written.push(name);
    if (textOf.get(name) === text) continue;
    await writeTextFile(join(folder, name, SKILL), text);
    changed.push(name);
  }
  const stale = [...nameOf.values()].sort();
  if (prune) for (const name of stale) await removeSkill(join(folder, name));
  return { folder, written: written.sort(), changed: changed.sort(), stale, pruned: prune };
}

/** The file, and its folder where nothing else is in it. */
async function removeSkill(folder: string): Promise<void> {
  await rm(join(folder, SKILL), { force: true });
  await rmdir(folder).catch(() => undefined);
}

async function folderNames(folder: string, missing?: readonly string[]): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (caught) {
    if (missing !== undefined && (caught as NodeJS.ErrnoException).code === "ENOENT") return missing;
    throw fromUnknown(caught, `cannot read ${folder}`, "invalid");
  }
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}
