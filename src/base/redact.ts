import { CREDENTIAL_PATTERNS, CREDENTIAL_SHAPES, SECRET_PATTERNS, type SecretPattern } from "./secret-patterns.ts";

export interface Redaction {
  readonly text: string;
  /** Kinds of what was taken out, each once. */
  readonly kinds: readonly string[];
}

/**
 * Takes secrets and personal data out of a text. Each leaves `[redacted: <kind>]`; the same value leaves the same words throughout one text, a second value
 * of a kind is `[redacted: <kind> 2]`, so that the text can still be followed. Redacting twice changes nothing more. Linear in the length of the text.
 */
export function redact(text: string): Redaction {
  const seen = new Map<string, Map<string, string>>();
  let out = text;
  for (const { kind, pattern, isReal } of SECRET_PATTERNS) {
    out = out.replace(pattern, (found: string, ...rest: unknown[]) => {
      const groups = rest.at(-1) as { readonly value?: string } | string | undefined;
      const value = (typeof groups === "object" ? groups.value : undefined) ?? found;
      if (isReal !== undefined && !isReal(value, found)) return found;
      const values = seen.get(kind) ?? new Map<string, string>();
      seen.set(kind, values);
      const place = values.get(value) ?? `[redacted: ${kind}${values.size === 0 ? "" : ` ${values.size + 1}`}]`;
      values.set(value, place);
      const at = found.lastIndexOf(value);
      return `${found.slice(0, at)}${place}${found.slice(at + value.length)}`;
    });
  }
  return { text: out, kinds: [...seen.keys()] };
}

/** Only the text of `redact`. */
export function redacted(text: string): string {
  return redact(text).text;
}

/**
 * What in a text is a credential, or has the shape of one: all that `redact` takes out but personal data, and wider, since nothing is changed by it. The first
 * that is found, as it stands there.
 */
export function credentialIn(text: string): string | undefined {
  for (const pattern of [...CREDENTIAL_PATTERNS, ...CREDENTIAL_SHAPES]) {
    const found = firstOf(pattern, text);
    if (found !== undefined) return found;
  }
  return undefined;
}

function firstOf({ pattern, isReal }: SecretPattern, text: string): string | undefined {
  for (const match of text.matchAll(pattern)) {
    if (isReal === undefined || isReal(match.groups?.["value"] ?? match[0], match[0])) return match[0];
  }
  return undefined;
}
