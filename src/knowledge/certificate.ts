import { LearnError } from "../base/error.ts";
import type { Validation } from "./knowledge-item.ts";

/**
 * The certificates in a JSON text: one, a list, or whatever `knowledge show --json` and `knowledge export` print, where they stand in `validations` and in
 * `certificates`. The file may come from anybody, so every field that is reckoned with is looked at. Throws "invalid" that names the first fault.
 */
export function readCertificates(text: string, source: string): readonly Validation[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new LearnError("invalid", `${source} is not JSON`, { hint: "agentlearn knowledge show ID --json > certificate.json", cause });
  }
  const found = certificatesIn(value);
  if (found.length === 0)
    throw new LearnError("invalid", `${source} holds no certificate`, { hint: "agentlearn knowledge show ID --json > certificate.json" });
  return found.map((entry, index) => assertCertificate(entry, `${source}, certificate ${index + 1}`));
}

function certificatesIn(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value.flatMap(certificatesIn);
  if (typeof value !== "object" || value === null) return [];
  const { pairs, validations, certificates, items, validation } = value as { readonly [key: string]: unknown };
  if (pairs !== undefined) return [value];
  const lists = [validations, certificates, items].filter((list) => list !== undefined);
  // A shown item carries its last certificate once more; the list has it too.
  return lists.length > 0 ? lists.flatMap(certificatesIn) : certificatesIn(validation);
}

const TEXTS = ["id", "itemId", "kind", "decision", "reason", "actor"] as const;
const NUMBERS = ["createdAtUs", "cases", "baselinePassed", "candidatePassed", "wins", "losses", "gain", "eValue", "threshold"] as const;
const SETTINGS = ["alpha", "alphaAllotted", "position", "passedBefore", "passScore", "minimumGain"] as const;
const OPTIONAL = ["gainCeiling", "rule", "rounds", "maxRounds", "confirmReplicates", "gainLower", "agentRuns"] as const;
/** A certificate of a hundred thousand cases takes minutes to recompute; nobody runs as many. */
const MOST_PAIRS = 100_000;
const MOST_ROUNDS = 1_000;
/** As many as the widest settings let a trial have. */
const MOST_UNITS = 1_000_000;

function assertCertificate(entry: unknown, where: string): Validation {
  const fields = entry as { readonly [key: string]: unknown };
  const fault = (what: string): LearnError => new LearnError("invalid", `${where}: ${what}`);
  for (const key of TEXTS) if (typeof fields[key] !== "string") throw fault(`${key} is not a text`);
  if (!["statistical", "online", "human", "canary"].includes(fields["kind"] as string)) throw fault(`kind is "${String(fields["kind"])}"`);
  for (const key of [...NUMBERS, ...SETTINGS]) if (!Number.isFinite(fields[key])) throw fault(`${key} is not a number`);
  for (const key of OPTIONAL) if (fields[key] !== undefined && !Number.isFinite(fields[key])) throw fault(`${key} is not a number`);
  const { pairs } = fields;
  if (!Array.isArray(pairs) || pairs.length > MOST_PAIRS) throw fault(`pairs is not a list of at most ${MOST_PAIRS}`);
  for (const [index, pair] of pairs.entries()) {
    const problem = pairProblem(pair);
    if (problem !== undefined) throw fault(`pair ${index + 1}: ${problem}`);
  }
  const problem = fields["kind"] === "online" ? onlineProblem(fields["online"]) : undefined;
  if (problem !== undefined) throw fault(`online: ${problem}`);
  return entry as Validation;
}

function onlineProblem(online: unknown): string | undefined {
  if (typeof online !== "object" || online === null) return "it is missing";
  const { seed, excluded, strata = [], units = [], ...numbers } = online as { readonly [key: string]: unknown };
  if (typeof seed !== "string") return "seed is not a text";
  if (!Array.isArray(excluded)) return "excluded is not a list";
  for (const key of ["startedAtUs", "share", "maxRuns", "waitMs", "harmAlpha"])
    if (!Number.isFinite(numbers[key])) return `${key} is not a number`;
  for (const key of ["endedAtUs", "exposures", "granted", "harmEValue"])
    if (numbers[key] !== undefined && !Number.isFinite(numbers[key])) return `${key} is not a number`;
  if (!Array.isArray(strata) || !strata.every(isStratum)) return "strata is not a list of models and probabilities";
  if (!Array.isArray(units) || units.length > MOST_UNITS || !units.every(isUnit)) return `units is not a list of at most ${MOST_UNITS}`;
  return undefined;
}

function isStratum(value: unknown): boolean {
  const { model, probabilityGiven } = (value ?? {}) as { readonly [key: string]: unknown };
  return typeof model === "string" && typeof probabilityGiven === "number" && probabilityGiven >= 0 && probabilityGiven <= 1;
}

function isUnit(value: unknown): boolean {
  if (!Array.isArray(value) || value.length !== 4) return false;
  const [stratum, given, success, unit] = value as unknown[];
  return (
    Number.isSafeInteger(stratum) &&
    (given === 0 || given === 1) &&
    (success === null || success === 0 || success === 1) &&
    typeof unit === "string"
  );
}

function pairProblem(pair: unknown): string | undefined {
  if (typeof pair !== "object" || pair === null) return "it is not an object";
  const { caseId, baselineScore, candidateScore, replicates, confirmedRegression, replicateScores, laterScores, mustPass } = pair as {
    readonly [key: string]: unknown;
  };
  if (typeof caseId !== "string") return "caseId is not a text";
  if (![baselineScore, candidateScore, replicates].every(Number.isFinite)) return "a score or the number of replicates is not a number";
  if (typeof confirmedRegression !== "boolean") return "confirmedRegression is neither true nor false";
  if (mustPass !== undefined && typeof mustPass !== "boolean") return "mustPass is neither true nor false";
  for (const list of [replicateScores, laterScores]) {
    const isFine = Array.isArray(list) && list.length <= MOST_ROUNDS && list.every(isScorePair);
    if (list !== undefined && !isFine) return "scores of further runs are not pairs of numbers";
  }
  return undefined;
}

function isScorePair(value: unknown): boolean {
  return Array.isArray(value) && value.length === 2 && value.every(Number.isFinite);
}
