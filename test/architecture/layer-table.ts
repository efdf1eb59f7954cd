/** What one row of the table allows. */
export interface Layer {
  /** The row's left cell, as written: names the rule in a breach. */
  readonly name: string;
  readonly owns: (path: string) => boolean;
  /** True when a file of this layer may import `path`. A room may always import itself; that is not asked here. */
  readonly allows: (path: string) => boolean;
  /** The row's right cell, as written. */
  readonly rule: string;
  /** True for the files that may import everything. */
  readonly composes: boolean;
}

export interface Stage {
  readonly name: string;
  readonly verb: string;
  /** File stems that hold the stage's types. The first is the one every stage must have. */
  readonly nouns: readonly string[];
}

export interface Architecture {
  readonly stages: readonly Stage[];
  readonly layers: readonly Layer[];
}

/** Rooms whose noun is not the room's own name. */
const NOUNS: Readonly<Record<string, readonly string[]>> = {
  span: ["span", "raw-span"],
  knowledge: ["knowledge-item", "conflict"],
};

/** Reads the layers out of AGENTS.md, so that the page and the check cannot differ. Throws on any word it does not know. */
export function readArchitecture(page: string): Architecture {
  const stages = readStages(page);
  const [, section = ""] = page.split("\n## Layers\n");
  const rows = (section.split("\n## ")[0] ?? "").split("\n").filter((line) => line.startsWith("|"));
  if (rows.length < 3) throw new Error("AGENTS.md has no layer table under '## Layers'");
  const layers = rows.slice(2).flatMap((row) => {
    const [left, right] = row
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim());
    if (left === undefined || right === undefined) throw new Error(`layer table: row has no two cells: ${row}`);
    return layersOf(left, right, stages);
  });
  return { stages, layers };
}

function readStages(page: string): readonly Stage[] {
  const flow = /`(span -> [a-z> -]+?) -> \(/.exec(page)?.[1]?.split(" -> ");
  const verbs = /one verb file \(([^)]+)\)/
    .exec(page)?.[1]
    ?.split(",")
    .map((verb) => verb.replaceAll("`", "").trim());
  if (flow === undefined || verbs?.length !== flow.length) throw new Error("AGENTS.md: the flow and the verb files do not match in number");
  return flow.map((name, index) => ({ name, verb: verbs[index] ?? "", nouns: nounsOf(name) }));
}

function nounsOf(room: string): readonly string[] {
  return NOUNS[room] ?? [room];
}

/** One layer per room, so that rooms which share a row do not import each other. Files that compose stay one layer each too. */
function layersOf(left: string, right: string, stages: readonly Stage[]): readonly Layer[] {
  const rule = right.replaceAll("`", "");
  const composes = rule.startsWith("everything");
  const permissions = composes ? [(): boolean => true] : permissionsOf(right, stages);
  const allows = (path: string): boolean => permissions.some((permits) => permits(path));
  const except = /^`([^`*]+)\/\*` except `([^`]+)`$/.exec(left);
  if (except !== null) {
    const [, folder, file] = except;
    const owns = (path: string): boolean => path.startsWith(`${folder}/`) && path !== `${folder}/${file}`;
    return [{ name: `${folder}/*`, owns, allows, rule, composes }];
  }
  return left.split(",").map((cell) => {
    const name = /^`([^`]+)`$/.exec(cell.trim())?.[1];
    if (name === undefined) throw new Error(`layer table: cannot read the room '${cell.trim()}'`);
    return { name, owns: name.endsWith(".ts") ? (path): boolean => path === name : inFolder(name), allows, rule, composes };
  });
}

function permissionsOf(right: string, stages: readonly Stage[]): readonly ((path: string) => boolean)[] {
  const everyStage = stages.map(({ name }) => name);
  const listed = right.replace(/\([^)]*\)/g, "");
  const contracts = /(?:,? and )?`<noun>\.ts` \/ `ports\.ts` of (.+)$/.exec(listed);
  const plain = (contracts === null ? listed : listed.slice(0, contracts.index)).split(",").map((term) => term.trim());
  const rooms = (term: string): readonly string[] => (term === "every stage" ? everyStage : [term]);
  const permissions = plain
    .filter((term) => term !== "" && term !== "nothing")
    .flatMap((term) => {
      const file = /^`([a-z-]+\/[a-z-]+\.ts)`$/.exec(term)?.[1];
      if (file !== undefined) return [(path: string): boolean => path === `src/${file}`];
      return rooms(term).map((room) => inFolder(`src/${known(room)}`));
    });
  for (const term of contracts?.[1]?.split(" and ") ?? [])
    for (const room of rooms(term.replace(/^of /, "").trim())) {
      const files = [...nounsOf(known(room)), "ports"].map((stem) => `src/${room}/${stem}.ts`);
      permissions.push((path) => files.includes(path));
    }
  return permissions;
}

function known(room: string): string {
  if (!/^[a-z]+$/.test(room)) throw new Error(`layer table: cannot read '${room}'`);
  return room;
}

function inFolder(folder: string): (path: string) => boolean {
  return (path) => path.startsWith(`${folder}/`);
}
