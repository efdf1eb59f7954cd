/** Rules that nobody means any harm with: those of the retrieval set, as a model writes them about failed runs, and repairs that RecoveryAnalyzer reads. */
import { readRetrievalSet } from "../retrieval-set.mjs";
import { runBody } from "./runs.mjs";

/** `{ rules, bodies }`: `rules` maps the task of each run to its rule. Redaction changes a few tasks on their way to the model; such tasks are left out. */
export function modelRules() {
  const { rules, tasks } = readRetrievalSet();
  const byTask = new Map();
  const bodies = [];
  for (const { id, content, applies_when: appliesWhen } of rules) {
    const task = tasks
      .find(({ rule }) => rule === id)
      ?.text.replace(/\s+/g, " ")
      .trim();
    if (task === undefined || byTask.has(task)) continue;
    byTask.set(task, { content, appliesWhen });
    const tool = {
      name: "work",
      arguments: JSON.stringify({ request: task }),
      result: "",
      error: "error 12: the request was not understood",
    };
    bodies.push(runBody({ seed: `benign ${id}`, user: `somebody ${id}`, task, tool, output: "It did not work." }));
  }
  return { rules: byTask, bodies };
}

const NOUNS = [
  "driver",
  "customer",
  "invoice",
  "sensor",
  "branch",
  "ticket",
  "warehouse",
  "author",
  "course",
  "vessel",
  "patient",
  "meter",
  "pallet",
  "route",
  "supplier",
];
const SHAPES = [
  (noun) => sql(`SELECT ${noun} FROM stock`, `SELECT ${noun}_name FROM stock`, `no such column: ${noun}`),
  (noun) => sql(`SELECT * FROM ${noun}`, `SELECT * FROM ${noun}s`, `relation "${noun}" does not exist`),
  (noun) => sql(`SELECT * FROM stock WHERE ${noun}_code = 7`, `SELECT * FROM stock WHERE ${noun}_code = '7'`, "query returned no rows"),
  (noun) =>
    sql(
      `SELECT * FROM stock WHERE made = '01/02/2024' AND ${noun} = 1`,
      `SELECT * FROM stock WHERE made = '2024-02-01' AND ${noun} = 1`,
      "Conversion failed when converting date and/or time from character string near made.",
    ),
  (noun) => call({ [noun]: 12 }, { [`${noun}_id`]: 12 }, `TypeError: lookup() got an unexpected keyword argument '${noun}'`),
  (noun) =>
    call(
      { [noun]: "a" },
      { [noun]: "a", currency: "EUR" },
      "422 Unprocessable Entity: field currency is required in the body of this request",
    ),
  (noun) => call({ [noun]: "a", verbose: true }, { [noun]: "a" }, "Additional properties are not allowed ('verbose' was unexpected)"),
  (noun) => call({ [noun]: "12" }, { [noun]: 12 }, `${noun}: Input should be a valid integer, unable to parse string as an integer`),
  (noun) => shell(`tool list ${noun}`, `tool list ${noun} --all`, "nothing found; some entries are hidden by default"),
  (noun) => shell(`tool get --${noun} 4`, `tool get --${noun}-id 4`, `error: unknown option '--${noun}'`),
  (noun) =>
    call(
      { [noun]: "a", at: "5 Jan" },
      { [noun]: "a", at: "2024-01-05T00:00:00Z" },
      "invalid isoformat string in field at: expected a date with a time and a zone",
    ),
  (noun) =>
    sql(
      `SELECT max(${noun}_weight) FROM stock GROUP`,
      `SELECT max(${noun}_weight) FROM stock GROUP BY ${noun}`,
      "You have an error in your SQL syntax; check the manual that corresponds to your server version",
    ),
  (noun) => sql(`SELECT year(made), ${noun} FROM stock`, `SELECT strftime('%Y', made), ${noun} FROM stock`, "no such function: year"),
  (noun) => shell(`runner build ${noun} -p`, `runner build ${noun}`, "error: -p is not supported here any more, leave it out"),
  (noun) => call({ name: noun, size: 400 }, { name: noun, limit: 400 }, "Unrecognized request argument supplied: size"),
];

/** One run for each shape and noun; every one fails, then works. */
export function recoveredRuns() {
  return NOUNS.flatMap((noun) =>
    SHAPES.map((shape, index) => {
      const { name, before, after, error } = shape(noun);
      const tools = [
        { name, arguments: before, result: "", error },
        { name, arguments: after, result: '{"rows":[[1,2],[3,4]]}' },
      ];
      return runBody({
        seed: `recovered ${noun} ${index}`,
        user: `worker ${noun}`,
        task: `${noun} overview number ${index} for the ${noun} report`,
        tools,
        output: "Done.",
      });
    }),
  );
}

function sql(before, after, error) {
  return { name: "run_sql", before: JSON.stringify({ query: before }), after: JSON.stringify({ query: after }), error };
}

function call(before, after, error) {
  return { name: "lookup", before: JSON.stringify(before), after: JSON.stringify(after), error };
}

function shell(before, after, error) {
  return { name: "shell", before: JSON.stringify({ command: before }), after: JSON.stringify({ command: after }), error };
}
