import { describe, expect, test } from "vitest";
import { cluster } from "../../../src/lesson/cluster.ts";
import { failureSignature, maskValues, signatureSimilarity } from "../../../src/lesson/failure-signature.ts";
import { independentGroups, nameSeveralUsers } from "../../../src/lesson/independent-runs.ts";
import type { JudgedTrace } from "../../../src/lesson/ports.ts";
import type { Step, Trace } from "../../../src/trace/trace.ts";
import { aStep, aToolStep, aTrace } from "../trace-factory.ts";

const idOf = (n: number): string => `${String(n).padStart(32, "0")}-000000000000000a`;
const failed = (n: number, steps: readonly Step[], overrides: Partial<Trace> = {}, reasoning = ""): JudgedTrace => {
  const trace = aTrace({ id: idOf(n), task: `question number ${n} about thing ${n * 7}`, steps, ...overrides });
  return {
    trace,
    outcome: { traceId: trace.id, source: "deterministic", status: "failure", score: 0, reasoning, evidence: [], createdAtUs: 1 },
  };
};
const sql = (error: string): readonly Step[] => [aToolStep("run_sql", { query: "SELECT 1" }, error)];

/** Ways to fail as agents do, each with other values every time. */
const KINDS: readonly ((n: number) => JudgedTrace)[] = [
  (n) => failed(n, sql(`no such column: c${n}`)),
  (n) => failed(n, sql(`no such table: "table_${n}"`)),
  (n) => failed(n, sql(`near "W${n}": syntax error`)),
  (n) => failed(n, [aToolStep("read_file", { path: "x" }, `ENOENT: no such file or directory, open '/tmp/data/${n}/a.csv'`)]),
  (n) => failed(n, [aToolStep("read_file", { path: "x" }, `EACCES: permission denied, open '/etc/secret/${n}'`)]),
  (n) => failed(n, [aToolStep("http_get", { url: "x" }, `Request failed with status code 404: https://api.example/items/${n}`)]),
  (n) => failed(n, [aToolStep("http_get", { url: "x" }, `connect ECONNREFUSED 10.0.0.${n % 250}:8080`)]),
  (n) =>
    failed(n, [
      aToolStep(
        "run_python",
        { code: "x" },
        `Traceback (most recent call last):\n  File "main.py", line ${n}, in <module>\nKeyError: 'k${n}'`,
      ),
    ]),
  (n) =>
    failed(n, [
      aToolStep(
        "run_python",
        { code: "x" },
        `Traceback (most recent call last):\n  File "main.py", line ${n}, in <module>\nZeroDivisionError: division by zero`,
      ),
    ]),
  (n) => failed(n, [aStep({ finishReasons: ["length"] })]),
  (n) =>
    failed(n, [aStep({ error: { type: "RateLimitError", message: `429 rate limit reached for org-${n}abc123, try again in ${n} s` } })]),
  (n) => failed(n, [], { task: `translate paragraph ${n} into French` }, `the answer is in the wrong language in paragraph ${n}`),
];

/** Run ids by cluster. */
function clustersOf(runs: readonly JudgedTrace[]): readonly (readonly string[])[] {
  return cluster(runs.map((judged) => ({ id: judged.trace.id, signature: failureSignature(judged) }))).map((members) =>
    members.map(({ id }) => id),
  );
}

describe("failures are put together by what went wrong", () => {
  const runs = KINDS.flatMap((make, kind) => Array.from({ length: 20 }, (_, index) => make(1_000 * (kind + 1) + 13 * index)));

  test("every kind of failure is one cluster, whatever its values and tasks", () => {
    const kindOf = (id: string): number => Math.floor(Number(id.slice(0, 32)) / 1_000);
    const found = clustersOf(runs).map((ids) => [new Set(ids.map(kindOf)).size, ids.length]);
    expect(found).toEqual(KINDS.map(() => [1, 20]));
  });

  test("the order of the runs changes nothing", () => {
    const shuffled = runs.toSorted(
      (a, b) => ((a.trace.id.charCodeAt(31) * 7) % 5) - ((b.trace.id.charCodeAt(31) * 7) % 5) || (a.trace.id < b.trace.id ? 1 : -1),
    );
    expect(clustersOf(shuffled)).toEqual(clustersOf(runs));
  });

  test("the same words in tasks put nothing together that failed in another way", () => {
    const task = "who won the race in Monaco and by how much";
    expect(clustersOf([failed(1, sql("no such column: x"), { task }), failed(2, sql("database is locked"), { task })])).toHaveLength(2);
  });

  test("an error the run got over counts less than the one it ended with", () => {
    const [a, b] = [sql("no such column: x"), [aToolStep("read_file", {}, "permission denied")]];
    const end = failureSignature(failed(1, sql("no such column: y")));
    const similarity = (steps: readonly Step[]) => signatureSimilarity(end, failureSignature(failed(2, steps)));
    expect(similarity([...b, ...a])).toBeGreaterThan(similarity([...a, ...b]));
  });
});

test.each([
  [`open '/a/b c.csv' failed`, "open §value failed"],
  ["at /usr/lib/node_modules/x.js", "at §path"],
  ["id 3f2a9c1b7d4e8f60 of 550e8400-e29b-41d4-a716-446655440000", "id §id of §id"],
  ["can't open, don't ask", "can't open, don't ask"],
  ["line 12: 3.5 of 1,000", "line §n §n of §n"],
  ["mail ada@example.org or https://x.org/?q=1", "mail §mail or §url"],
  ["No such column: driver_id2", "no such column: driver_id2"],
])("values are masked and words stay: %s", (text, masked) => expect(maskValues(text)).toBe(masked));

describe("runs count once as evidence", () => {
  const groups = (runs: readonly Partial<Trace>[], severalUsers = true): number => {
    const judged = runs.map((overrides, index) => ({
      trace: aTrace({ id: idOf(index), task: `task about ${"abcdefghij"[index]} and ${"klmnopqrst"[index]}`, ...overrides }),
    }));
    return new Set(independentGroups(judged, severalUsers)).size;
  };

  test.each([
    ["of one conversation", [{ conversationId: "c" }, { conversationId: "c" }, {}], 2],
    ["of one user", [{ userId: "u" }, { userId: "u" }, {}], 2],
    ["of one W3C trace", [{ traceId: "f".repeat(32) }, { traceId: "f".repeat(32) }, {}], 2],
    ["on the same task", [{ task: "Who won?" }, { task: "who won" }, {}], 2],
    [
      "on nearly the same task",
      [
        { task: "which of the ten drivers won the race in the rain" },
        { task: "which of the ten drivers won the race in the rain today" },
        {},
      ],
      2,
    ],
    [
      "through a chain: A shares a user with B, B a conversation with C",
      [{ userId: "u" }, { userId: "u", conversationId: "c" }, { conversationId: "c" }],
      1,
    ],
  ] as const)("%s", (_what, runs, expected) => expect(groups(runs)).toBe(expected));

  test("each by itself where conversation, user and task differ, and where nothing is said", () => {
    expect(groups([{ userId: "u" }, { userId: "v" }, { conversationId: "c" }, { task: "" }, { task: "" }])).toBe(5);
  });

  test("users do not count where all runs are of one", () => {
    const runs = [{ trace: aTrace({ userId: "me" }) }, { trace: aTrace({ userId: "me" }) }];
    expect(nameSeveralUsers(runs)).toBe(false);
    expect(groups([{ userId: "me" }, { userId: "me" }], false)).toBe(2);
  });
});
