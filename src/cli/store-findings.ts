import { isLearnError, messageOf } from "../base/error.ts";
import type { Diagnostics, Store, StoreStatus } from "../store/ports.ts";
import type { CommandContext } from "./context.ts";
import { ageInWords, contentHint, contentText, lossText, refusedText } from "./diagnostics-text.ts";
import type { Finding } from "./finding.ts";
import { storeFile } from "./running-owner.ts";

const LAST_TRACE = "last trace";

/** The store, the age of its last trace, what its emitters leave out, and what got lost on the way. */
export async function storeFindings({ config, withStore }: CommandContext): Promise<readonly Finding[]> {
  if (!/^(https?|wss?|libsql):/.test(config.store) && storeFile(config.store) === undefined) {
    return [
      { check: "store", level: "warn", detail: `${config.store} does not exist yet`, hint: "`agentlearn up` makes it" },
      { check: LAST_TRACE, level: "warn", detail: "none yet" },
    ];
  }
  try {
    return await withStore(async (opened) => {
      const [problems, status, diagnostics] = [await opened.check(), await opened.status(), await opened.diagnostics()];
      return [
        soundness(config.store, problems, status),
        await lastTrace(opened, status),
        ...contentFindings(diagnostics),
        losses(diagnostics, status),
      ];
    });
  } catch (caught) {
    const hint = (isLearnError(caught) ? caught.hint : undefined) ?? "check --store and the rights on its folder";
    return [{ check: "store", level: "fail", detail: messageOf(caught), hint }];
  }
}

/** True when traces are what is missing. */
export function lacksTraces(findings: readonly Finding[]): boolean {
  return findings.some(({ check, level }) => check === LAST_TRACE && level === "warn");
}

function soundness(url: string, problems: readonly string[], status: StoreStatus): Finding {
  if (problems.length > 0) return { check: "store", level: "fail", detail: problems.join("; "), hint: "agentlearn store recover" };
  return { check: "store", level: "ok", detail: `${url}, schema ${status.schemaVersion}, ${status.traces.total} traces` };
}

/** By arrival: what a backfill brings may have happened years ago. */
async function lastTrace(opened: Store, status: StoreStatus): Promise<Finding> {
  const arrivals = (await opened.recentTraces(20)).map(({ lastArrivalUs }) => lastArrivalUs);
  const lastUs = arrivals.length > 0 ? Math.max(...arrivals) : status.lastTraceAtUs;
  if (lastUs === undefined) {
    const hint =
      "export OTEL_EXPORTER_OTLP_ENDPOINT to a running `agentlearn up` and run your agent; `agentlearn doctor --wait` watches for it";
    return { check: LAST_TRACE, level: "warn", detail: "none yet", hint };
  }
  const waiting = status.pendingTraces === 0 ? "" : `; ${status.pendingTraces} still arriving`;
  return { check: LAST_TRACE, level: "ok", detail: `came ${ageInWords(Date.now() / 1000 - lastUs / 1e6)}${waiting}` };
}

function contentFindings({ scopes }: Diagnostics): readonly Finding[] {
  return scopes.map((scope) => {
    const hint = contentHint(scope);
    return {
      check: "content",
      level: hint === undefined ? "ok" : "warn",
      detail: contentText(scope),
      ...(hint === undefined ? {} : { hint }),
    };
  });
}

function losses(diagnostics: Diagnostics, status: StoreStatus): Finding {
  const hint = lossHint(diagnostics, status);
  const detail = lossText(diagnostics, status);
  return { check: "losses", level: hint === undefined ? "ok" : "warn", detail, ...(hint === undefined ? {} : { hint }) };
}

function lossHint({ dropped, truncated, receiver }: Diagnostics, { unmappableBodies }: StoreStatus): string | undefined {
  const hints = [
    ...(dropped === 0
      ? []
      : ["a process makes spans faster than its disk or collector takes them: sample, or send them to a collector of its own"]),
    ...(truncated === 0 ? [] : ["raise OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT and OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT where the agent runs"]),
    ...(unmappableBodies === 0 ? [] : ["the reasons stand in table unmappable_body of the store"]),
    ...(receiver === undefined || receiver.rejected === 0
      ? []
      : ["spans without sound ids are refused, and those that come while the store is unavailable"]),
    ...(receiver === undefined || refusedText(receiver.refused) === ""
      ? []
      : ["401 and grpc 16 want the token, 400 and 415 another encoding or path"]),
  ];
  return hints.length === 0 ? undefined : hints.join("; ");
}
