/** A call of the command line that the page shows: the words after `agentlearn`, and the flags. */
export interface Invocation {
  readonly line: string;
  readonly words: readonly string[];
  readonly flags: readonly string[];
}

/** What stands in code: fenced blocks by line, and inline spans. */
export function codeOf(page: string): readonly string[] {
  const fences = /^```[^\n]*\n([\s\S]*?)^```/gm;
  const blocks = [...page.matchAll(fences)].flatMap(([, text = ""]) => text.split("\n"));
  const inline = [...page.replace(fences, "").matchAll(/`([^`\n]+)`/g)].map(([, text = ""]) => text);
  return [...blocks, ...inline];
}

/** Every `agentlearn …` that a reader could type. `npm install agentlearn` and module names are none. */
export function invocationsOf(page: string): readonly Invocation[] {
  return codeOf(page).flatMap((code) =>
    code
      .replace(/\s#.*$/, "")
      .split(/\||&&|;|\$\(/)
      .map((part) => /^\s*(?:\$ )?(?:[A-Z_]+=\S+ )*(?:npx )?agentlearn(\s.*)?$/.exec(part))
      .filter((match) => match !== null)
      .map(([line, rest = ""]) => {
        const parts = rest.trim().split(/\s+/).filter(Boolean);
        const firstArgument = parts.findIndex((part) => !/^[a-z][a-z-]*$/.test(part));
        return {
          line: line.trim(),
          words: firstArgument === -1 ? parts : parts.slice(0, firstArgument),
          flags: parts.filter((part) => part.startsWith("--")).map((flag) => flag.replace(/=.*$/, "")),
        };
      }),
  );
}

/** Targets of links that stay inside the repository. */
export function relativeLinksOf(page: string): readonly string[] {
  return [...page.replace(/^```[\s\S]*?^```/gm, "").matchAll(/\]\(([^)\s]+)[^)]*\)/g)]
    .map(([, target = ""]) => target)
    .filter((target) => !/^[a-z]+:/.test(target));
}

/** Anchors as they are made of headings. */
export function anchorsOf(page: string): ReadonlySet<string> {
  const headings = [...page.replace(/^```[\s\S]*?^```/gm, "").matchAll(/^#+ (.+)$/gm)].map(([, text = ""]) => text);
  return new Set(
    headings.map((text) =>
      text
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, "")
        .trim()
        .replaceAll(" ", "-"),
    ),
  );
}

/** Cells of a Markdown table, without the padding that a formatter adds. */
export function cellsOf(table: string): readonly (readonly string[])[] {
  return table
    .split("\n")
    .filter((line) => line.trim().startsWith("|"))
    .map((line) =>
      line
        .trim()
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim().replace(/^:?-+:?$/, "---")),
    );
}
