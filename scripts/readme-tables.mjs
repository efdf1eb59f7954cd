/** The tables in README.md that are made, not written: one place for the script that refreshes them and the test that compares them. */

/** The text between `<!-- name -->` and `<!-- /name -->`. Throws when the markers are not there once each, in that order. */
export function textBetween(page, name) {
  const { from, to } = rangeOf(page, name);
  return page.slice(from, to).trim();
}

export function replaceBetween(page, name, text) {
  const { from, to } = rangeOf(page, name);
  return `${page.slice(0, from)}\n\n${text}\n\n${page.slice(to)}`;
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
