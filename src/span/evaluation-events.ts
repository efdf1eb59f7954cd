import { EVALUATION_SOURCE } from "../telemetry/attributes.ts";
import { createAttributeReader } from "./attribute-reader.ts";
import { isObject } from "./json.ts";
import type { Occurrence } from "./ports.ts";
import type { Attributes } from "./raw-span.ts";
import type { Evaluation } from "./span.ts";

/** Judgements by other tools, from span events and logs named `gen_ai.evaluation.result`. Our own come back as an echo and are passed over. */
export function evaluationsIn(occurrences: readonly Occurrence[]): readonly Evaluation[] {
  return occurrences.flatMap((occurrence) => {
    if (occurrence.name !== "gen_ai.evaluation.result" || EVALUATION_SOURCE in occurrence.attributes) return [];
    const body = isObject(occurrence.body) ? occurrence.body : {};
    const evaluation = evaluationFrom({ ...body, ...occurrence.attributes }, "gen_ai.evaluation.", "score.value", "score.label");
    return evaluation === undefined ? [] : [evaluation];
  });
}

/** One evaluation from keys `<prefix>name`, `<prefix>explanation` and the two given. `undefined` when it says nothing. */
export function evaluationFrom(attributes: Attributes, prefix: string, scoreKey: string, labelKey: string): Evaluation | undefined {
  const reader = createAttributeReader(attributes);
  const name = reader.text(`${prefix}name`);
  const score = reader.number(`${prefix}${scoreKey}`);
  const label = reader.text(`${prefix}${labelKey}`);
  const explanation = reader.text(`${prefix}explanation`);
  if (name === undefined && score === undefined && label === undefined) return undefined;
  return {
    name: name ?? "unnamed",
    ...(score === undefined ? {} : { score }),
    ...(label === undefined ? {} : { label }),
    ...(explanation === undefined ? {} : { explanation }),
  };
}
