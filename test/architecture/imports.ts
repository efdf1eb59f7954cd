import { parseAst } from "vitest/node";

export interface ModuleFacts {
  /** Every literal module name: static, dynamic, type-only, `import("…")` types and `import x = require("…")`. */
  readonly imports: readonly string[];
  /** Those that Node loads before the module runs: static, and not for types alone. */
  readonly loaded: readonly string[];
  /** Names that are handed on from another module: `export … from`, or an imported name exported again. */
  readonly reExports: readonly string[];
}

interface Node {
  readonly type: string;
  readonly [key: string]: unknown;
}

/**
 * Reads one TypeScript file with the parser that runs the tests (typescript 7 has no parser for JavaScript callers yet).
 * `new URL("./worker.js", import.meta.url)` starts another thread and is no import. Throws when the text does not parse.
 */
export function readModule(path: string, text: string): ModuleFacts {
  const imports: string[] = [];
  const loaded: string[] = [];
  const reExports: string[] = [];
  const imported = new Set<string>();
  const root = parseAst(text, { lang: "ts" }, path) as unknown as Node;
  walk(root, (node) => {
    const source = literalOf(node["source"] ?? (node.type === "TSExternalModuleReference" ? node["expression"] : undefined));
    if (source !== undefined) imports.push(source);
    if (source !== undefined && isLoaded(node)) loaded.push(source);
    if (node.type === "ImportDeclaration") for (const specifier of nodesOf(node["specifiers"])) imported.add(nameOf(specifier["local"]));
    if (node.type === "ExportAllDeclaration") reExports.push(`* from ${source}`);
    if (node.type === "ExportNamedDeclaration")
      for (const specifier of nodesOf(node["specifiers"])) {
        const name = nameOf(specifier["local"]);
        if (source !== undefined || imported.has(name)) reExports.push(name);
      }
  });
  return { imports, loaded, reExports };
}

/** With verbatimModuleSyntax only a declaration marked as a whole disappears; `import { type A }` still loads its module. */
function isLoaded(node: Node): boolean {
  if (node.type === "ImportDeclaration") return node["importKind"] !== "type";
  return (node.type === "ExportNamedDeclaration" || node.type === "ExportAllDeclaration") && node["exportKind"] !== "type";
}

function walk(node: Node, visit: (node: Node) => void): void {
  visit(node);
  for (const value of Object.values(node)) {
    if (isNode(value)) walk(value, visit);
    else for (const child of nodesOf(value)) walk(child, visit);
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && typeof (value as Node).type === "string";
}

function nodesOf(value: unknown): readonly Node[] {
  return Array.isArray(value) ? value.filter(isNode) : [];
}

function literalOf(value: unknown): string | undefined {
  if (!isNode(value)) return undefined;
  if (value.type === "Literal" && typeof value["value"] === "string") return value["value"];
  const [only, ...more] = nodesOf(value["quasis"]);
  if (value.type !== "TemplateLiteral" || only === undefined || more.length > 0) return undefined;
  return (only["value"] as { readonly cooked: string }).cooked;
}

function nameOf(value: unknown): string {
  return isNode(value) ? String(value["name"] ?? value["value"]) : "";
}
