import { styleText } from "node:util";
import { isLearnError, messageOf } from "../base/error.ts";
import { oneLine, printable } from "../base/text.ts";

/** stdout carries the result and nothing else; progress, hints and errors go to stderr. */
export interface Terminal {
  readonly json: boolean;
  /** The result: with --json the document, else the text. */
  result(schema: string, value: object, text: () => string): void;
  /** A remark for people; silent with --json. */
  note(text: string): void;
}

export function createTerminal(options: { readonly json: boolean }): Terminal {
  return {
    json: options.json,
    result(schema, value, text) {
      process.stdout.write(options.json ? `${JSON.stringify({ schema, ...value }, null, 2)}\n` : `${text()}\n`);
    },
    note(text) {
      if (!options.json) process.stderr.write(`${text}\n`);
    },
  };
}

/** Says what went wrong and what to type next, on stderr; with --json as a document there. */
export function printError(caught: unknown, json: boolean): void {
  const code = isLearnError(caught) ? caught.code : "internal";
  const hint = isLearnError(caught) ? caught.hint : undefined;
  const message = messageOf(caught);
  if (json) {
    process.stderr.write(`${JSON.stringify({ schema: "agentlearn.error/v1", code, message, ...(hint === undefined ? {} : { hint }) })}\n`);
    return;
  }
  process.stderr.write(`${paint("red", "error:")} ${printable(message)}\n`);
  if (hint !== undefined) process.stderr.write(`${paint("dim", "next:")}  ${printable(hint)}\n`);
}

type Colour = "red" | "green" | "yellow" | "dim" | "bold" | "cyan";

/** Colour on a terminal only; NO_COLOR and --json readers get plain text. */
export function paint(colour: Colour, text: string): string {
  const wanted = process.stdout.isTTY === true && process.env["NO_COLOR"] === undefined && process.env["TERM"] !== "dumb";
  return wanted ? styleText(colour, text) : text;
}

/** Columns padded to their widest cell; the last one is cut to what is left of the line. Cells are made printable. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const width = process.stdout.columns ?? 160;
  const cells = [head, ...rows].map((row) => row.map((cell) => oneLine(cell, 400)));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? "").length)));
  const before = widths.slice(0, -1).reduce((sum, size) => sum + size + 2, 0);
  const lines = cells.map((row) =>
    row
      .map((cell, column) => (column === row.length - 1 ? oneLine(cell, Math.max(20, width - before)) : cell.padEnd(widths[column] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
  return [paint("bold", lines[0] ?? ""), ...lines.slice(1)].join("\n");
}
