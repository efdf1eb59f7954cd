import type { Clock } from "../base/clock.ts";
import { cycleFromRow } from "./admin-store.ts";
import type { SqlDriver, SqlExecutor } from "./driver.ts";
import type { JournalEntry, PlannedCall, Spending, SpendLimits, SpendStore } from "./ports.ts";
import { jsonOf, jsonText, requiredNumber } from "./values.ts";

const DAY_US = 86_400_000_000;
const KEEP_CALLS_US = 366 * DAY_US;

export function createSpendStore(driver: SqlDriver, clock: Clock): SpendStore {
  const today = (): number => Math.floor(clock.nowUs() / DAY_US) * DAY_US;
  return {
    reserveCall: (call, limits) =>
      driver.transaction(async (tx) => {
        const reached = limitOf(call, limits, await sumOf(tx, "at_us >= ?", today()), await sumOf(tx, "cycle_id = ?", call.cycleId));
        if (reached !== undefined) return reached;
        const { id, cycleId, step, model, most } = call;
        await tx.run(
          "INSERT INTO model_call (id, cycle_id, step, model, at_us, input_tokens, output_tokens, usd) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
          [id, cycleId, step, model, clock.nowUs(), most.inputTokens, most.outputTokens, most.usd],
        );
        return undefined;
      }),

    settleCall: (id, { inputTokens, outputTokens, usd, estimated }, entry) =>
      driver.transaction(async (tx) => {
        await tx.run("UPDATE model_call SET settled = 1, estimated = ?, input_tokens = ?, output_tokens = ?, usd = ? WHERE id = ?", [
          estimated,
          inputTokens,
          outputTokens,
          usd,
          id,
        ]);
        if (entry !== undefined) await keep(tx, entry, clock.nowUs());
      }),

    saveAnswer: (entry) => keep(driver, entry, clock.nowUs()),

    answerOf: async (key) => {
      const [row] = await driver.all("SELECT answer FROM journal WHERE key = ?", [key]);
      return row === undefined ? undefined : { answer: jsonOf<unknown>(row["answer"]) };
    },

    spending: (of) => (of === "today" ? sumOf(driver, "at_us >= ?", today()) : sumOf(driver, "cycle_id = ?", of.cycleId)),

    forgetAnswers: (olderThanUs) =>
      driver.transaction(async (tx) => {
        await tx.run("DELETE FROM journal WHERE at_us < ?", [olderThanUs ?? Number.MAX_SAFE_INTEGER]);
        await tx.run("DELETE FROM model_call WHERE at_us < ?", [clock.nowUs() - KEEP_CALLS_US]);
      }),

    unfinishedCycle: async () => {
      const [row] = await driver.all("SELECT * FROM learn_cycle WHERE ended_at_us IS NULL ORDER BY started_at_us DESC, id LIMIT 1");
      return row === undefined ? undefined : cycleFromRow(row);
    },
  };
}

async function keep(executor: SqlExecutor, { key, cycleId, step, answer }: JournalEntry, nowUs: number): Promise<void> {
  await executor.run("INSERT INTO journal (key, cycle_id, step, at_us, answer) VALUES (?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING", [
    key,
    cycleId,
    step,
    nowUs,
    jsonText(answer),
  ]);
}

async function sumOf(executor: SqlExecutor, where: string, value: string | number): Promise<Spending> {
  const [row = {}] = await executor.all(
    `SELECT count(*) AS calls, coalesce(sum(input_tokens), 0) AS input, coalesce(sum(output_tokens), 0) AS output,
       coalesce(sum(usd), 0) AS usd, coalesce(sum(usd IS NULL), 0) AS unpriced, coalesce(sum(estimated), 0) AS estimated
     FROM model_call WHERE ${where}`,
    [value],
  );
  return {
    calls: requiredNumber(row, "calls"),
    inputTokens: requiredNumber(row, "input"),
    outputTokens: requiredNumber(row, "output"),
    usd: requiredNumber(row, "usd"),
    unpriced: requiredNumber(row, "unpriced"),
    estimated: requiredNumber(row, "estimated"),
  };
}

/** The first limit that could be passed with this call. */
function limitOf({ most }: PlannedCall, limits: SpendLimits, day: Spending, cycle: Spending) {
  const tokensOf = ({ inputTokens, outputTokens }: Pick<Spending, "inputTokens" | "outputTokens">): number => inputTokens + outputTokens;
  // In the order in which they are told: money first.
  const sums: readonly (readonly [keyof SpendLimits, number, number])[] = [
    ["usdPerDay", day.usd, most.usd ?? 0],
    ["usdPerCycle", cycle.usd, most.usd ?? 0],
    ["tokensPerDay", tokensOf(day), tokensOf(most)],
    ["tokensPerCycle", tokensOf(cycle), tokensOf(most)],
    ["callsPerDay", day.calls, 1],
    ["callsPerCycle", cycle.calls, 1],
  ];
  for (const [limit, spent, more] of sums) {
    const allowed = limits[limit];
    if (allowed !== undefined && spent + more > allowed) return { limit, allowed, spent };
  }
  return undefined;
}
