import { oneLine } from "../base/text.ts";
import { findingsIn } from "../learner/diagnose.ts";
import { logsBySpan, spansOfBatch } from "../learner/ingest.ts";
import { dialectNamesOf } from "../span/dialect-names.ts";
import type { RawBatch } from "../span/raw-span.ts";
import type { ScopeContent } from "../span/span.ts";
import { assemble, hasEndedRoot } from "../trace/assemble.ts";
import { contentHint, contentText, counted, emitterName } from "./diagnostics-text.ts";

/** One emitter of a trace. */
interface Emitter {
  readonly scope: string;
  readonly version?: string;
  readonly spans: number;
  /** The conventions its spans speak; empty when none is GenAI. */
  readonly dialects: readonly string[];
}

interface ArrivedRun {
  /** "" when no emitter said. */
  readonly task: string;
  readonly agentName?: string;
  readonly service?: string;
  readonly steps: number;
}

/** What came while `agentlearn doctor --wait` watched. */
export interface Arrival {
  readonly traceId: string;
  readonly spans: number;
  readonly emitters: readonly Emitter[];
  /** Of the emitters that made LLM calls. */
  readonly content: readonly ScopeContent[];
  readonly runs: readonly ArrivedRun[];
}

/** What one W3C trace shows so far; undefined when no span of it is GenAI. */
export function arrivalOf(traceId: string, batch: RawBatch): Arrival | undefined {
  const spans = spansOfBatch(batch);
  if (!spans.some(({ genAi }) => genAi)) return undefined;
  return {
    traceId,
    spans: spans.length,
    emitters: emittersOf(batch),
    content: findingsIn(batch).scopes,
    runs: assemble(spans, "flush").map(({ task, agentName, service, steps }) => ({
      task,
      ...(agentName === undefined ? {} : { agentName }),
      ...(service === undefined ? {} : { service }),
      steps: steps.length,
    })),
  };
}

/** True when nothing more need be waited for: the root ended, and the words of the LLM calls, which may come apart from their spans, are there. */
export function isWhole(batch: RawBatch, arrival: Arrival): boolean {
  return hasEndedRoot(spansOfBatch(batch)) && arrival.content.every(({ switch: missing }) => missing === undefined);
}

export function emittersOf({ spans, logs }: RawBatch): readonly Emitter[] {
  const logsOf = logsBySpan(logs);
  const emitters = new Map<string, { scope: string; version?: string; spans: number; dialects: Set<string> }>();
  for (const span of spans) {
    const { name, version } = span.scope;
    const key = `${name}\0${version ?? ""}`;
    const emitter = emitters.get(key) ?? {
      scope: name,
      ...(version === undefined ? {} : { version }),
      spans: 0,
      dialects: new Set<string>(),
    };
    emitters.set(key, emitter);
    emitter.spans += 1;
    for (const dialect of dialectNamesOf(span, logsOf.get(span.spanId) ?? [])) emitter.dialects.add(dialect);
  }
  return [...emitters.values()].map((emitter) => ({ ...emitter, dialects: [...emitter.dialects] }));
}

export function arrivalText({ traceId, spans, emitters, content, runs }: Arrival): string {
  const lines = [`trace ${traceId}, ${counted(spans, "span")}`];
  for (const { scope, version, dialects, spans: count } of emitters) {
    const speaks = dialects.length === 0 ? "no GenAI convention" : dialects.join(" and ");
    lines.push(
      `  emitter  ${emitterName({ scope })}${version === undefined ? "" : ` ${oneLine(version, 40)}`}: ${counted(count, "span")}, ${speaks}`,
    );
  }
  for (const { agentName, service, task, steps } of runs) {
    const of = service === undefined ? "" : ` of service ${oneLine(service, 100)}`;
    lines.push(`  agent    ${oneLine(agentName ?? "not named", 100)}${of}, ${counted(steps, "step")}`);
    lines.push(`  task     ${task === "" ? "none: no emitter said what was asked" : oneLine(task, 160)}`);
  }
  for (const scope of content) {
    const hint = contentHint(scope);
    lines.push(`  content  ${contentText(scope)}`, ...(hint === undefined ? [] : [`  next:    ${hint}`]));
  }
  return lines.join("\n");
}
