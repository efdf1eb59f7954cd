/** The tables in README.md that are made, not written: one place for the scripts that refresh them and the test that compares them. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

/** The text between `<!-- name -->` and `<!-- /name -->`. Throws when the markers are not there once each, in that order. */
export function textBetween(page, name) {
  const { from, to } = rangeOf(page, name);
  return page.slice(from, to).trim();
}

/** Puts `text` between the markers in README.md, and lays the page out as the formatter wants it. */
export function writeBetween(name, text) {
  const page = readFileSync("README.md", "utf8");
  const { from, to } = rangeOf(page, name);
  writeFileSync("README.md", `${page.slice(0, from)}\n\n${text}\n\n${page.slice(to)}`);
  execFileSync(process.execPath, ["node_modules/@biomejs/biome/bin/biome", "format", "--write", "README.md"], { stdio: "ignore" });
}

function rangeOf(page, name) {
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const from = page.indexOf(open) + open.length;
  const to = page.indexOf(close);
  const once = page.split(open).length === 2 && page.split(close).length === 2;
  if (!once || to < from) throw new Error(`README.md must have ${open} and after it ${close}, once each`);
  return { from, to };
}

/** One line per option, in the order of the schema; the columns are the fields that describeConfig() gives. */
export function configTable(rows) {
  const columns = Object.keys(rows[0] ?? {});
  const cell = (column, value) => {
    if (value === undefined || value === "") return "";
    const text = typeof value === "string" ? value : JSON.stringify(value);
    return column === "description" ? text : `\`${text}\``;
  };
  return table(
    columns,
    rows.map((row) => columns.map((column) => cell(column, row[column]))),
  );
}

/** Rows as figures.mjs makes them. */
export function figuresTable(rows) {
  return table(
    ["figure", "value", "target", "met", "n", "spread", "peer, same run", "note"],
    rows.map((row) => [
      `\`${row.name}\``,
      row.error === undefined ? quantity(row.value, row.unit) : `not measured: ${row.error}`,
      row.target === null ? "" : `${row.target.op} ${amount(row.target.value)}`,
      row.met === null ? "" : row.met ? "yes" : "**no**",
      amount(row.n),
      row.spread ?? "",
      row.peer === undefined ? "" : [row.peer, row.peerValue].filter((part) => part !== undefined).join(": "),
      row.note ?? "",
    ]),
  );
}

/** Puts the rows of a run of some figures in the place of their old ones, sorted by figure. Rows of figures that are no more go. */
export function writeFigures(text, ran, known) {
  writeBetween("figures", withFigures(textBetween(readFileSync("README.md", "utf8"), "figures"), text, ran, known));
}

/** The old table with the rows of the figures that ran taken from the new one. A row belongs to the figure whose name, or whose name and a dot, it begins with. */
export function withFigures(old, fresh, ran, known) {
  const figureOf = (line) => {
    const name = /^\| `([^`]+)`/u.exec(line)?.[1] ?? "";
    return known.filter((figure) => name === figure || name.startsWith(`${figure}.`)).sort((a, b) => b.length - a.length)[0];
  };
  const [head, rule, ...rows] = fresh.split("\n");
  const kept = old.split("\n").filter((line) => figureOf(line) !== undefined && !ran.includes(figureOf(line)));
  const lines = [...kept, ...rows].map((line, index) => ({ line, index, figure: figureOf(line) ?? "" }));
  lines.sort((a, b) => (a.figure < b.figure ? -1 : a.figure > b.figure ? 1 : a.index - b.index));
  return [head, rule, ...lines.map(({ line }) => line)].join("\n");
}

function table(header, lines) {
  const line = (cells) => `| ${cells.map((cell) => String(cell).replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
  return [line(header), line(header.map(() => "---")), ...lines.map(line)].join("\n");
}

function quantity(value, unit) {
  return unit === "" || unit === undefined ? amount(value) : `${amount(value)} ${unit}`;
}

/** Three significant digits: more would be noise on a shared machine. Counts stay whole. */
function amount(value) {
  if (typeof value !== "number" || !Number.isFinite(value)) return String(value);
  const rounded = Number.isInteger(value) ? value : Number(value.toPrecision(3));
  return rounded.toLocaleString("en-US", { maximumFractionDigits: 6 });
}
