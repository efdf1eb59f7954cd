import { LearnError } from "../base/error.ts";
import { nearest } from "../base/nearest.ts";
import { type Config, configKeys, configSchema } from "./config.ts";
import { envOf, flagOf } from "./describe-config.ts";

export interface LoadConfigOptions {
  /** From the command line, by key. Text is read as the type of the setting; undefined counts as not given. */
  readonly flags?: { readonly [key: string]: unknown };
  /** The environment. An empty variable counts as not set, as OpenTelemetry has it. */
  readonly env: { readonly [name: string]: string | undefined };
  /** What code passed, by key. Numbers must be numbers. */
  readonly code?: { readonly [key: string]: unknown };
}

interface Setting {
  readonly value: unknown;
  readonly source: string;
}

const NUMERIC: ReadonlySet<string> = new Set(
  Object.entries(configSchema.parse({})).flatMap(([key, value]) => (typeof value === "number" ? [key] : [])),
);

const BOOLEAN: ReadonlySet<string> = new Set(
  Object.entries(configSchema.parse({})).flatMap(([key, value]) => (typeof value === "boolean" ? [key] : [])),
);

/** What may be used and never be shown. */
const SECRET: ReadonlySet<string> = new Set<keyof Config>(["token", "openaiApiKey", "baggageSecret"]);

/** Variables that others own too. They lose against code: who names a key in code means it. */
const SHARED_ENV = { openaiApiKey: "OPENAI_API_KEY", openaiBaseUrl: "OPENAI_BASE_URL" } as const;

/**
 * Flags before AGENTLEARN_* variables before code before OPENAI_* before defaults. Throws one "invalid" that lists every problem with its key and
 * where the value came from; values are never quoted, since one may be a key. The result is frozen, and shows no secret when it is printed.
 */
export function loadConfig(options: LoadConfigOptions): Config {
  const problems: string[] = [];
  const settings = new Map<string, Setting>();
  const take = (key: string, value: unknown, source: string): void => {
    if (value === undefined) return;
    if (!(configKeys as readonly string[]).includes(key)) problems.push(`${source}: there is no such setting${meant(key)}`);
    else if (!settings.has(key)) settings.set(key, { value, source });
  };
  for (const [key, value] of Object.entries(options.flags ?? {})) take(key, fromText(key, value), flagOf(key));
  const keyOfEnv = new Map(configKeys.map((key) => [envOf(key), key]));
  for (const [name, value] of Object.entries(options.env)) {
    if (!name.startsWith("AGENTLEARN_") || value === undefined || value.trim() === "") continue;
    const key = keyOfEnv.get(name) ?? camelCase(name);
    take(key, fromText(key, value), name);
  }
  for (const [key, value] of Object.entries(options.code ?? {})) take(key, value, `option ${key}`);
  for (const [key, name] of Object.entries(SHARED_ENV)) {
    const value = options.env[name];
    if (value !== undefined && value.trim() !== "") take(key, value, name);
  }
  const parsed = configSchema.safeParse(Object.fromEntries([...settings].map(([key, { value }]) => [key, value])));
  for (const issue of parsed.error?.issues ?? []) {
    const key = String(issue.path[0]);
    problems.push(`${settings.get(key)?.source ?? key}: ${issue.message}`);
  }
  if (parsed.success && problems.length === 0) {
    const { data } = parsed;
    return Object.freeze(withHiddenSecrets(settings.has("alpha") ? data : { ...data, alpha: ALPHA_OF_GATE[data.gate] }));
  }
  throw new LearnError(
    "invalid",
    `${problems.length} configuration ${problems.length === 1 ? "problem" : "problems"}:\n${problems.map((line) => `  ${line}`).join("\n")}`,
    {
      hint: "see the configuration reference, or agentlearn --help",
    },
  );
}

const ALPHA_OF_GATE: { readonly [gate in Config["gate"]]: number } = { strict: 0.01, default: 0.05, reference80: 0.2 };

/** Flags and variables are text; a number in them is read strictly, and left as text when it is none, so that the schema names the problem. */
function fromText(key: string, value: unknown): unknown {
  if (typeof value !== "string") return value;
  const trimmed = value.trim();
  if (BOOLEAN.has(key)) return BOOLEAN_WORDS.get(trimmed.toLowerCase()) ?? value;
  if (!NUMERIC.has(key)) return value;
  return /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/iu.test(trimmed) ? Number(trimmed) : value;
}

const BOOLEAN_WORDS: ReadonlyMap<string, boolean> = new Map([
  ["true", true],
  ["1", true],
  ["false", false],
  ["0", false],
]);

/** A config is easily logged whole. */
function withHiddenSecrets(config: Config): Config {
  const shown = () => Object.fromEntries(Object.entries(config).map(([key, value]) => [key, SECRET.has(key) ? "[hidden]" : value]));
  return Object.defineProperties(config, { toJSON: { value: shown }, [Symbol.for("nodejs.util.inspect.custom")]: { value: shown } });
}

/** `AGENTLEARN_MAX_ITMES` -> `maxItmes`. */
function camelCase(name: string): string {
  return name
    .slice("AGENTLEARN_".length)
    .toLowerCase()
    .replace(/_+([a-z0-9])/gu, (_, letter: string) => letter.toUpperCase());
}

function meant(key: string): string {
  const known = nearest(key, configKeys);
  return known === undefined ? "" : `, did you mean ${known}?`;
}
