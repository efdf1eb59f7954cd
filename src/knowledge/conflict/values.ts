import { QUOTED } from "./shade.ts";

/** A constant in a rule. */
export interface Value {
  /** Only values of the same group can clash: "time", "%", "after count", "quoted", "identifier", "column name", "date format", or a choice like "currency". */
  readonly group: string;
  /** Comparable form: seconds for times, lower case for words. */
  readonly value: string;
  /** As it stands in the text. */
  readonly text: string;
  /** "at least 3" allows 5; without a bound the number itself is meant. */
  readonly bound?: "minimum" | "maximum";
}

/** Words of which a rule means one. They clash with another of the same list about the same subject. */
const CHOICES: Readonly<Record<string, string>> = {
  "data format": "json|csv|tsv|xml|yaml|parquet|html|markdown|plain text|pdf",
  "data type": "text|string|integer|boolean|float|decimal",
  language: "english|german|french|spanish|italian|portuguese|dutch|polish|russian|chinese|japanese|korean|arabic",
  "time zone": "utc|gmt|local time|local",
  temperature: "celsius|fahrenheit|kelvin",
  measures: "metric|imperial",
  currency: "eur|usd|gbp|chf|jpy|euro|dollar|dollars|euros|pounds|cent|cents|yen",
  "HTTP method": "get request|post request|put request|patch request|delete request",
  join: "left join|inner join|right join|full join|cross join",
  encoding: "utf-8|utf-16|latin-1|ascii|base64",
};
const CHOICE_OF = new Map(Object.entries(CHOICES).flatMap(([group, words]) => words.split("|").map((word) => [word, group] as const)));
const CHOICE = new RegExp(`\\b(?:${[...CHOICE_OF.keys()].sort((a, b) => b.length - a.length).join("|")})\\b`, "gi");

// Maps, because any word may stand after a number, and a plain object knows "constructor".
const SECONDS = new Map(Object.entries({ ms: 0.001, s: 1, min: 60, h: 3_600, day: 86_400, week: 604_800 }));
const BYTES = new Map(Object.entries({ b: 1, kb: 1e3, mb: 1e6, gb: 1e9 }));
const SAME_UNIT = new Map(
  Object.entries({
    millisecond: "ms",
    milliseconds: "ms",
    sec: "s",
    second: "s",
    seconds: "s",
    minute: "min",
    minutes: "min",
    mins: "min",
    hour: "h",
    hours: "h",
    days: "day",
    weeks: "week",
    byte: "b",
    bytes: "b",
    percent: "%",
    "€": "eur",
    $: "usd",
    times: "attempt",
    time: "attempt",
    retries: "attempt",
    retry: "attempt",
    attempts: "attempt",
  }),
);

const DATE_FORMAT =
  /\b(?:Y{2,4}|D{1,2}|M{1,4})(?:[-./ ](?:Y{2,4}|D{1,2}|M{1,4})){1,2}\b|\bISO[- ]?8601\b|\bRFC[- ]?3339\b|\bunix (?:time|epoch)\b/gi;
const DATE = /\b\d{4}-\d{2}-\d{2}\b|\b\d{1,2}\.\d{1,2}\.\d{4}\b/g;
const IDENTIFIER = /\b[\p{L}][\p{L}\p{N}]*(?:[_.][\p{L}\p{N}]+)+\b|\b[a-z]+[A-Z][A-Za-z0-9]*\b|\b[a-z]+\d+(?:[.-]\d+)*\b/gu;
const NAMED =
  /\b(column|parameter|argument|field|header|table|key|queue|topic|channel|folder|sheet|variable|flag|endpoint)\s+(?:(?:named|called)\s+)?(?!(?:is|are|was|of|in|on|to|and|or|for|with|as|at|by|from|that|which|when|must|should|may|can|not|has|have|name|names|value|values|holds?|contains?|type|before|after|if|the|an?)\b)([\p{L}][\p{L}\p{N}-]*)(?=\s*(?:[,.;:!?)]|$|\b(?:and|or|for|when|if|of|in|before|after|with|as)\b))/giu;
const NUMBER = /([$€])?(?<![\p{L}\p{N}_.-])(\d+(?:[.,]\d+)*)(?![\p{N}_])\s*(%|[$€]|\p{L}+)?/gu;
const NOT_UNITS = new Set("and or in on at for to as if when is are of the a with by from not never then before after per each".split(" "));
const MINIMUM = /(?:at least|minimum(?: of)?|no (?:less|fewer) than|more than|over|above)\s*$/i;
const MAXIMUM = /(?:at most|maximum(?: of)?|no more than|up to|less than|fewer than|under|below|within)\s*$/i;

/** The constants of a text and the text without them, in which a placeholder keeps the words around each apart. */
export function readValues(text: string): { readonly values: readonly Value[]; readonly rest: string } {
  const values: Value[] = [];
  let rest = text;
  const take = (
    pattern: RegExp,
    read: (match: RegExpMatchArray, before: string) => Value | undefined,
    keep: (match: RegExpMatchArray) => string,
  ): void => {
    rest = rest.replace(pattern, (...found) => {
      const groups = found.slice(
        0,
        found.findIndex((part) => typeof part === "number"),
      ) as unknown as RegExpMatchArray;
      const offset = found.find((part) => typeof part === "number") as number;
      const value = read(groups, rest.slice(0, offset));
      if (value === undefined) return groups[0] as string;
      values.push(value);
      return ` ${keep(groups)} `;
    });
  };
  take(
    QUOTED,
    (match) => ({ group: "quoted", value: match.slice(1).find((part) => part !== undefined) ?? "", text: match[0] as string }),
    () => "·",
  );
  take(
    DATE_FORMAT,
    (match) => ({ group: "date format", value: (match[0] as string).toLowerCase(), text: match[0] as string }),
    () => "·",
  );
  take(
    DATE,
    (match) => ({ group: "date", value: match[0] as string, text: match[0] as string }),
    () => "·",
  );
  take(
    IDENTIFIER,
    (match) => ({ group: "identifier", value: (match[0] as string).toLowerCase(), text: match[0] as string }),
    () => "·",
  );
  take(
    NAMED,
    ([text = "", kind = "", name = ""]) => ({ group: `${kind.toLowerCase()} name`, value: name.toLowerCase(), text }),
    ([, kind = ""]) => `${kind} ·`,
  );
  take(
    CHOICE,
    (match) => choiceOf(match[0] as string),
    () => "·",
  );
  take(NUMBER, numberOf, (match) => (match[3] !== undefined && NOT_UNITS.has(match[3].toLowerCase()) ? `· ${match[3]}` : "·"));
  return { values, rest };
}

function choiceOf(word: string): Value {
  return { group: CHOICE_OF.get(word.toLowerCase()) ?? "choice", value: word.toLowerCase(), text: word };
}

function numberOf(match: RegExpMatchArray, before: string): Value {
  const [text, sign, digits = "", after] = match;
  const named = after !== undefined && !NOT_UNITS.has(after.toLowerCase()) ? after.toLowerCase() : undefined;
  const unit = sign ?? named;
  const number = Number(digits.replace(/,(?=\d{3}\b)/g, "").replace(",", "."));
  const folded = unit === undefined ? undefined : (SAME_UNIT.get(unit) ?? unit);
  const scale = folded === undefined ? undefined : (SECONDS.get(folded) ?? BYTES.get(folded));
  const group =
    folded === undefined
      ? `after ${lastWord(before)}`
      : SECONDS.has(folded)
        ? "time"
        : BYTES.has(folded)
          ? "bytes"
          : folded.replace(/s$/, "");
  const bound = MINIMUM.test(before) ? ("minimum" as const) : MAXIMUM.test(before) ? ("maximum" as const) : undefined;
  return {
    group,
    value: String(scale === undefined ? number : number * scale),
    text: text.trim(),
    ...(bound === undefined ? {} : { bound }),
  };
}

function lastWord(text: string): string {
  return (
    text
      .toLowerCase()
      .match(/\p{L}+/gu)
      ?.filter((word) => !/^(?:the|a|an|of|to|at|is|be|least|most|than|exactly|with|use|from|by|as)$/.test(word))
      .at(-1) ?? ""
  );
}

/** Whether both cannot hold at once. */
export function excludes(left: Value, right: Value): boolean {
  if (left.value === right.value || left.group !== right.group) return false;
  const [a, b] = [Number(left.value), Number(right.value)];
  if (left.bound === "minimum" && right.bound !== "minimum") return a > b;
  if (left.bound === "maximum" && right.bound !== "maximum") return a < b;
  if (left.bound === undefined && right.bound !== undefined) return excludes(right, left);
  return true;
}
