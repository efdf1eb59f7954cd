import { digest } from "../base/id.ts";
import { isNamedService } from "../telemetry/service-name.ts";
import type { Trace } from "../trace/trace.ts";
import type { Lesson } from "./lesson.ts";
import type { JudgedTrace } from "./ports.ts";

/** See the setting `lessonScope`. */
export type LessonScope = "narrow" | "tenant" | "open";

/** Runs that are read together: all of one tenant, or all that name none. */
export interface TenantRuns {
  readonly tenant?: string;
  readonly runs: readonly JudgedTrace[];
}

/**
 * Runs of different tenants are never read together, so that no word of one stands in a question, a cluster or a lesson of another. Runs that name several
 * are in no group: nobody can tell whose knowledge it would be. With "open" all are one group. In the order of first sight.
 */
export function byTenant(
  runs: readonly JudgedTrace[],
  scope: LessonScope,
): { readonly groups: readonly TenantRuns[]; readonly mixed: readonly JudgedTrace[] } {
  if (scope === "open" || runs.length === 0) return { groups: [{ runs }], mixed: [] };
  const groups = new Map<string | undefined, JudgedTrace[]>();
  for (const run of runs) {
    if (run.trace.mixedTenants === true) continue;
    const known = groups.get(run.trace.tenant);
    if (known === undefined) groups.set(run.trace.tenant, [run]);
    else known.push(run);
  }
  return {
    groups: [...groups].map(([tenant, of]) => (tenant === undefined ? { runs: of } : { tenant, runs: of })),
    mixed: runs.filter(({ trace }) => trace.mixedTenants === true),
  };
}

/**
 * Who may be given what was read from these runs. Their tenant alone. Of their agent alone, where all are of one that worked alone; where other agents worked
 * under it, or several are among the sources, of the one service they share: a lesson may then be about any of them, and they ask in their own names. Never
 * of a model: what it says of a tool or a table is true for the next model too, and effects are told by model. Equal words in another scope are another
 * lesson, with evidence of its own.
 */
export function scoped(lesson: Lesson, { tenant, runs }: TenantRuns, scope: LessonScope): Lesson {
  if (scope === "open") return lesson;
  const ids = new Set(lesson.sourceTraceIds);
  const sources = runs.flatMap(({ trace }) => (ids.has(trace.id) ? [trace] : []));
  const own = { ...(tenant === undefined ? {} : { tenant }), ...(scope === "narrow" ? whoWorked(sources) : {}) };
  const { agentName, service } = own as Pick<Lesson, "agentName" | "service">;
  // The agent without a name of its field: what was mined before there were others keeps its fingerprint.
  const parts = [
    agentName,
    service === undefined ? undefined : `service ${service}`,
    tenant === undefined ? undefined : `tenant ${tenant}`,
  ];
  const said = parts.filter((part) => part !== undefined);
  return said.length === 0 ? lesson : { ...lesson, ...own, fingerprint: digest([lesson.fingerprint, ...said]) };
}

/** The agent or service that all these runs are of; nothing where they share neither. */
export function whoWorked(runs: readonly Pick<Trace, "agentName" | "service" | "steps">[]): Pick<Lesson, "agentName" | "service"> {
  const agentName = only(runs.map((run) => run.agentName));
  const shared = only(runs.map((run) => run.service));
  const service = shared !== undefined && isNamedService(shared) ? shared : undefined;
  const alone = runs.every((run) => run.steps.every((step) => step.kind !== "agent" || step.name === run.agentName));
  if (agentName !== undefined && (alone || service === undefined)) return { agentName };
  return service === undefined ? {} : { service };
}

function only(values: readonly (string | undefined)[]): string | undefined {
  const [first] = values;
  return values.every((value) => value === first) ? first : undefined;
}
