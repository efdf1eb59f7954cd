import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

/** A module of the build, or an error that says what to type. */
export async function builtModule(path) {
  const file = builtFile(path);
  return import(pathToFileURL(file).href);
}

/** A file of this repository. */
export function repositoryFile(path) {
  return join(ROOT, path);
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
  await mapAll(file);
  const rows = async (table) =>
    (
      await select(
        file,
        `SELECT t.trace_id AS traceId, r.span_id AS spanId, r.body AS body FROM ${table} r JOIN w3c_trace t ON t.ref = r.trace_ref`,
      )
    ).map(({ traceId, spanId, body }) => ({ traceId, spanId, row: JSON.parse(Buffer.from(body).toString("utf8")) }));
  return {
    spans: (await rows("span")).map(({ row, ...ids }) => ({ ...ids, attributes: row.attributes })),
    logs: (await rows("log")).map(({ row, ...ids }) => ({ ...ids, body: row.body })),
  };
}

/** The number of spans in such a file by the first characters of their trace ids, as a Map. For more spans than fit into memory. */
export async function countStoredSpans(file, characters) {
  await mapAll(file);
  const rows = await select(
    file,
    `SELECT substr(t.trace_id, 1, ${characters}) AS prefix, count(*) AS n FROM span s JOIN w3c_trace t ON t.ref = s.trace_ref GROUP BY 1`,
  );
  return new Map(rows.map(({ prefix, n }) => [String(prefix), n]));
}

// The rows of spans are what is read, and assembling thousands of runs takes longer than the measurement.
const NEVER_COMPLETE = { quietMs: 2 ** 40, idleMs: 2 ** 40 };

async function mapAll(file) {
  const { openWriter } = await builtModule("src/store/open.js");
  const writer = openWriter({ url: `file:${file}`, mode: "own", name: "figures", ingest: "on-demand", ...NEVER_COMPLETE });
  try {
    await writer.store.drain({ force: false });
  } finally {
    await writer.close(10_000);
  }
}

async function select(file, sql) {
  const { default: Database } = await import("libsql");
  const database = new Database(file, { readonly: true });
  try {
    return database.prepare(sql).all();
  } finally {
    database.close();
  }
}
