import { type Config, configKeys, configSchema } from "./config.ts";

/** One line of the configuration reference. */
export interface ConfigRow {
  readonly key: keyof Config;
  readonly env: string;
  readonly flag: string;
  /** As text; "" where there is none. */
  readonly default: string;
  readonly description: string;
}

/** Every setting in the order of the reference. */
export function describeConfig(): readonly ConfigRow[] {
  const defaults: { readonly [key: string]: unknown } = { ...configSchema.parse({}) };
  return configKeys.map((key) => ({
    key,
    env: envOf(key),
    flag: flagOf(key),
    default: defaults[key] === undefined ? "" : String(defaults[key]),
    description: configSchema.shape[key].description ?? "",
  }));
}

/** `withholdProbability` -> `AGENTLEARN_WITHHOLD_PROBABILITY`. */
export function envOf(key: keyof Config): string {
  return `AGENTLEARN_${key.replace(/[A-Z]/gu, (letter) => `_${letter}`).toUpperCase()}`;
}

/** `withholdProbability` -> `--withhold-probability`. */
export function flagOf(key: string): string {
  return `--${key.replace(/[A-Z]/gu, (letter) => `-${letter.toLowerCase()}`)}`;
}
