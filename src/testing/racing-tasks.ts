import { uniformOf } from "../base/id.ts";
import { queryRacing } from "./racing-database.ts";

export interface RacingTask {
  readonly id: string;
  readonly task: string;
  /** The right answer as a value: a number, a name, a date, or `Yes` / `No`. */
  readonly expected: string;
  /** The template, and which traps a naive query runs into: `position`, `date`, `driver`, `team`, `grid`; `silent` when the trap gives 0 and no error. */
  readonly tags: readonly string[];
}

export interface RacingTasks {
  readonly train: readonly RacingTask[];
  readonly heldOut: readonly RacingTask[];
}

/** A template: SQL that lists every question it can ask, as columns `task` and `expected`. */
interface Template {
  readonly name: string;
  readonly traps: readonly string[];
  readonly train: number;
  readonly heldOut: number;
  readonly sql: string;
}

const YEAR = "substr(race_date, 8, 4)";
const PODIUM = "position IN ('1', '2', '3')";

// Only questions whose true answer is not zero: otherwise a silent trap would give the right answer by accident.
const count = (words: string, groups: string, where: string): string =>
  `SELECT ${words} AS task, COUNT(*) AS expected FROM results WHERE ${where} GROUP BY ${groups} HAVING COUNT(*) > 0`;
const sum = (words: string, groups: string): string =>
  `SELECT ${words} AS task, SUM(points) AS expected FROM results GROUP BY ${groups} HAVING SUM(points) > 0`;
const name = (words: string, column: string, where: string): string =>
  `SELECT ${words} AS task, ${column} AS expected FROM results WHERE ${where} GROUP BY task HAVING COUNT(DISTINCT ${column}) = 1`;
const champion = (words: string, column: string): string =>
  `WITH totals AS (SELECT ${YEAR} AS year, ${column} AS name, SUM(points) AS total FROM results GROUP BY year, name),
  best AS (SELECT year, MAX(total) AS total FROM totals GROUP BY year)
  SELECT ${words} AS task, name AS expected FROM totals JOIN best USING (year, total) GROUP BY task HAVING COUNT(*) = 1`;

const TEMPLATES: readonly Template[] = [
  // No trap, or traps that show themselves and leave enough calls to recover.
  {
    name: "races-at",
    traps: [],
    train: 1,
    heldOut: 1,
    sql: "SELECT 'How many races were held at ' || circuit || '?' AS task, COUNT(DISTINCT race_date) AS expected FROM results GROUP BY circuit",
  },
  {
    name: "points-on",
    traps: ["driver"],
    train: 2,
    heldOut: 2,
    sql: sum("'How many points did ' || driver_name || ' score at ' || circuit || ' on ' || race_date || '?'", "driver_name, race_date"),
  },
  {
    name: "team-points-at",
    traps: ["team"],
    train: 2,
    heldOut: 2,
    sql: sum("'How many points did the team ' || constructor || ' score at ' || circuit || '?'", "constructor, circuit"),
  },
  {
    name: "retired-at",
    traps: ["driver"],
    train: 1,
    heldOut: 1,
    sql: count("'How many times did ' || driver_name || ' retire at ' || circuit || '?'", "driver_name, circuit", "position = 'Ret'"),
  },
  {
    name: "never-won-at",
    traps: ["driver", "position"],
    train: 1,
    heldOut: 1,
    sql: `SELECT 'Did ' || driver_name || ' ever win at ' || circuit || '?' AS task, 'No' AS expected FROM results
      GROUP BY driver_name, circuit HAVING SUM(position = '1') = 0`,
  },
  {
    name: "points-from",
    traps: ["grid"],
    train: 2,
    heldOut: 1,
    sql: sum("'How many points were scored from grid position ' || grid || ' at ' || circuit || '?'", "grid, circuit"),
  },
  {
    name: "start-on",
    traps: ["grid", "driver"],
    train: 1,
    heldOut: 1,
    sql: name("'From which grid position did ' || driver_name || ' start on ' || race_date || '?'", "grid", "1"),
  },
  {
    name: "who-won-on",
    traps: ["driver", "position"],
    train: 3,
    heldOut: 4,
    sql: name("'Who won at ' || circuit || ' on ' || race_date || '?'", "driver_name", "position = '1'"),
  },
  {
    name: "team-won-on",
    traps: ["team", "position"],
    train: 1,
    heldOut: 2,
    sql: name("'Which team won at ' || circuit || ' on ' || race_date || '?'", "constructor", "position = '1'"),
  },
  {
    name: "date-of",
    traps: ["date"],
    train: 2,
    heldOut: 3,
    sql: name(`'On which date was the race at ' || circuit || ' in ' || ${YEAR} || '?'`, "race_date", "1"),
  },
  {
    name: "champion",
    traps: ["driver", "date"],
    train: 1,
    heldOut: 2,
    sql: champion("'Which driver scored the most points in ' || year || '?'", "driver_name"),
  },
  {
    name: "team-champion",
    traps: ["team", "date"],
    train: 1,
    heldOut: 1,
    sql: champion("'Which team scored the most points in ' || year || '?'", "constructor"),
  },
  {
    name: "winner-laps",
    traps: ["position", "date"],
    train: 1,
    heldOut: 2,
    sql: name(`'What was the lap count of the winner at ' || circuit || ' in ' || ${YEAR} || '?'`, "laps", "position = '1'"),
  },

  // Silent: the naive query counts nothing, and nothing says so.
  {
    name: "wins-at",
    traps: ["driver", "position", "silent"],
    train: 1,
    heldOut: 5,
    sql: count("'How many wins does ' || driver_name || ' have at ' || circuit || '?'", "driver_name, circuit", "position = '1'"),
  },
  {
    name: "podiums-at",
    traps: ["driver", "position", "silent"],
    train: 1,
    heldOut: 5,
    sql: count("'How many podiums does ' || driver_name || ' have at ' || circuit || '?'", "driver_name, circuit", PODIUM),
  },
  {
    name: "team-wins-at",
    traps: ["team", "position", "silent"],
    train: 1,
    heldOut: 3,
    sql: count("'How many wins does the team ' || constructor || ' have at ' || circuit || '?'", "constructor, circuit", "position = '1'"),
  },
  {
    name: "ever-won-at",
    traps: ["driver", "position", "silent"],
    train: 0,
    heldOut: 3,
    sql: `SELECT 'Did ' || driver_name || ' ever win at ' || circuit || '?' AS task, 'Yes' AS expected FROM results
      GROUP BY driver_name, circuit HAVING SUM(position = '1') > 0`,
  },
  {
    name: "points-in",
    traps: ["driver", "date", "silent"],
    train: 1,
    heldOut: 6,
    sql: sum(`'How many points did ' || driver_name || ' score in ' || ${YEAR} || '?'`, `driver_name, ${YEAR}`),
  },
  {
    name: "team-points-in",
    traps: ["team", "date", "silent"],
    train: 1,
    heldOut: 5,
    sql: sum(`'How many points did the team ' || constructor || ' score in ' || ${YEAR} || '?'`, `constructor, ${YEAR}`),
  },
  {
    name: "retired-in",
    traps: ["driver", "date", "silent"],
    train: 1,
    heldOut: 5,
    sql: count(`'How many times did ' || driver_name || ' retire in ' || ${YEAR} || '?'`, `driver_name, ${YEAR}`, "position = 'Ret'"),
  },
  {
    name: "wins-in",
    traps: ["driver", "position", "date", "silent"],
    train: 2,
    heldOut: 2,
    sql: count(`'How many wins did ' || driver_name || ' take in ' || ${YEAR} || '?'`, `driver_name, ${YEAR}`, "position = '1'"),
  },

  // More visible traps than calls.
  {
    name: "who-won-in",
    traps: ["driver", "position", "date"],
    train: 3,
    heldOut: 2,
    sql: name(`'Who won at ' || circuit || ' in ' || ${YEAR} || '?'`, "driver_name", "position = '1'"),
  },
  {
    name: "start-for-team",
    traps: ["grid", "driver", "team"],
    train: 1,
    heldOut: 8,
    sql: name(
      "'From which grid position did ' || driver_name || ' start for ' || constructor || ' at ' || circuit || ' on ' || race_date || '?'",
      "grid",
      "1",
    ),
  },
  {
    name: "starter-for-team",
    traps: ["grid", "driver", "team"],
    train: 0,
    heldOut: 8,
    sql: name(
      "'Which driver started from grid position ' || grid || ' for ' || constructor || ' at ' || circuit || ' on ' || race_date || '?'",
      "driver_name",
      "1",
    ),
  },
];

/**
 * The questions of the demo, with answers that the database itself gives to correct SQL. Always the same; no question is in both sets.
 * Which questions of a template are taken is decided by a hash of their text.
 */
export function racingTasks(databasePath: string): RacingTasks {
  const train: RacingTask[] = [];
  const heldOut: RacingTask[] = [];
  for (const template of TEMPLATES) {
    const asked = queryRacing(databasePath, template.sql)
      .map((row) => ({ task: String(row["task"]), expected: String(row["expected"]) }))
      .sort((a, b) => uniformOf(a.task) - uniformOf(b.task));
    const taken = asked.slice(0, template.train + template.heldOut).map(({ task, expected }, index) => ({
      id: `${template.name}-${index + 1}`,
      task,
      expected,
      tags: [template.name, ...template.traps],
    }));
    train.push(...taken.slice(0, template.train));
    heldOut.push(...taken.slice(template.train));
  }
  const mixed = (tasks: readonly RacingTask[]): RacingTask[] =>
    [...tasks].sort((a, b) => uniformOf(`mix/${a.task}`) - uniformOf(`mix/${b.task}`));
  return { train: mixed(train), heldOut: mixed(heldOut) };
}
