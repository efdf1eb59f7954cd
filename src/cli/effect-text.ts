import { printable } from "../base/text.ts";
import type { ItemReport } from "../knowledge/ab-report.ts";
import type { EffectFigures } from "../knowledge/effect.ts";
import { paint } from "./terminal.ts";

/** The effect of one item as lines of its page: both numbers, each with n and interval, overall and by model. */
export function effectLines({ effect, summary }: ItemReport): readonly string[] {
  const lines = [
    "",
    `${paint("bold", "effect")}        ${paint(effect.verdict === "mismatch" ? "red" : "dim", printable(summary))}`,
    `overall       effectiveness ${effectivenessText(effect.overall)}, lift ${liftRange(effect.overall)}`,
  ];
  for (const model of effect.byModel) {
    lines.push(
      `              ${printable(model.model)}: ${model.verdict}, effectiveness ${effectivenessText(model)}, lift ${liftRange(model)}`,
    );
  }
  if (effect.unjudged > 0) lines.push(`              ${effect.unjudged} runs were not judged and do not count`);
  return lines;
}

/** "62 % of 310 (54 to 69)". */
export function effectivenessText({ effectiveness, effectivenessInterval, given }: EffectFigures): string {
  if (effectiveness === undefined) return "-";
  return `${percent(effectiveness)} % of ${given} (${percent(effectivenessInterval.lower)} to ${percent(effectivenessInterval.upper)})`;
}

/** "+8.3 (-1 to +17) of 310+34". */
export function liftRange({ lift, interval, given, withheld }: EffectFigures): string {
  if (lift === undefined) return "-";
  return `${signed(lift)} (${signed(interval.lower)} to ${signed(interval.upper)}) of ${given}+${withheld}`;
}

function percent(share: number): string {
  return String(Math.round(share * 100));
}

function signed(share: number): string {
  const value = Math.round(share * 1000) / 10;
  return value > 0 ? `+${value}` : String(value === 0 ? 0 : value);
}
