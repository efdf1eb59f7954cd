import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

/** A module of the build, or an error that says what to type. */
export async function builtModule(path) {
  const file = builtFile(path);
  return import(pathToFileURL(file).href);
}

export function builtFile(path) {
  const file = join(ROOT, "dist", path);
  if (!existsSync(file)) throw new Error(`dist/${path} is not there: run npm run build`);
  return file;
}

/** Settings of the person who measures would change what is measured. */
export function cleanEnvironment() {
  return Object.fromEntries(Object.entries(process.env).filter(([key]) => !/^(AGENTLEARN|OTEL|NODE_OPTIONS)/.test(key)));
}

/**
 * Every span in a store file that nobody owns any more, as { traceId, spanId, attributes }. First the package itself takes in what is spooled
 * and maps what is appended, as the next start would; then the rows are read with plain SQL, so that no code under test says what is stored.
 */
export async function readStoredSpans(file) {
  return (await readStored(file)).spans;
}

/** The same with the log records, as { spans, logs: [{ traceId, spanId, body }] }. */
export async function readStored(file) {
  const { openWriter } = await builtModule("src/store/open.js");
  const writer = openWriter({ url: `file:${file}`, mode: "own", name: "figures", ingest: "on-demand" });
  try {
    // Not forced: the rows of spans are what is read, and assembling thousands of runs takes longer than the measurement.
    await writer.store.drain({ force: false });
  } finally {
    await writer.close(10_000);
  }
  const { default: Database } = await import("libsql");
  const database = new Database(file, { readonly: true });
  try {
    const bodies = (table) =>
      database
        .prepare(
          `SELECT t.trace_id AS traceId, r.span_id AS spanId, r.body AS body FROM ${table} r JOIN w3c_trace t ON t.ref = r.trace_ref`,
        )
        .all()
        .map(({ traceId, spanId, body }) => ({ traceId, spanId, row: JSON.parse(Buffer.from(body).toString("utf8")) }));
    return {
      spans: bodies("span").map(({ row, ...ids }) => ({ ...ids, attributes: row.attributes })),
      logs: bodies("log").map(({ row, ...ids }) => ({ ...ids, body: row.body })),
    };
  } finally {
    database.close();
  }
}
