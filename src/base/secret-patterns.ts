/** One shape of secret or personal data. Quantifiers are bounded and runs are entered at their start only: linear on hostile text. */
export interface SecretPattern {
  /** What stands in the placeholder. */
  readonly kind: string;
  /** Global. Where it has a group `value`, only that part is taken out. */
  readonly pattern: RegExp;
  /** Looks at the found value where the shape alone says too little. */
  readonly isReal?: (value: string, found: string) => boolean;
}

const START = "(?<![A-Za-z0-9_-])";
const END = "(?![A-Za-z0-9_-])";

function token(kind: string, source: string): SecretPattern {
  return { kind, pattern: new RegExp(`${START}(?:${source})${END}`, "g") };
}

/** Keys whose issuers gave them a form of their own, so that the form alone says what they are. */
const ISSUED: readonly SecretPattern[] = [
  token("AWS key", "(?:AKIA|ASIA|AIDA|AROA|AGPA|ANPA)[A-Z0-9]{16}"),
  token("API key", "sk-[A-Za-z0-9_-]{20,250}"),
  token("API key", "(?:gsk|r8|hf|fw|rpa)_[A-Za-z0-9]{30,120}|(?:xai|pplx|tvly|nvapi|jina|co)-[A-Za-z0-9_-]{28,120}"),
  token("GitHub token", "gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255}"),
  token("GitLab token", "gl(?:pat|dt|rt|cbt|ptt|ft|soat|agent|imt)-[A-Za-z0-9_-]{20,120}"),
  token("Slack token", "xox[abeoprs]-[A-Za-z0-9-]{10,250}|xapp-\\d-[A-Za-z0-9-]{10,250}"),
  {
    kind: "webhook",
    pattern:
      /https:\/\/(?:hooks\.slack\.com\/(?:services|workflows)|(?:ptb\.|canary\.)?discord(?:app)?\.com\/api\/webhooks|[\w-]{1,63}\.webhook\.office\.com)\/[\w/.@-]{20,250}/g,
  },
  token("Stripe key", "[srp]k_(?:live|test)_[A-Za-z0-9]{16,250}|whsec_[A-Za-z0-9+/=]{24,120}"),
  token("Google key", "AIza[A-Za-z0-9_-]{35}|GOCSPX-[A-Za-z0-9_-]{28}|ya29\\.[A-Za-z0-9_-]{20,500}"),
  token("SendGrid key", "SG\\.[A-Za-z0-9_-]{20,24}\\.[A-Za-z0-9_-]{39,50}"),
  token("Twilio key", "(?:AC|SK)[0-9a-f]{32}"),
  token("Mailgun key", "key-[0-9a-f]{32}|[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}"),
  token("Mailchimp key", "[0-9a-f]{32}-us\\d{1,2}"),
  token("npm token", "npm_[A-Za-z0-9]{36}"),
  token("PyPI token", "pypi-[A-Za-z0-9_-]{50,250}"),
  token("DigitalOcean token", "do[opr]_v1_[0-9a-f]{64}"),
  token("Shopify token", "shp(?:at|ca|pa|ss|tka)_[0-9a-fA-F]{32}"),
  token("Square token", "sq0[a-z]{3}-[A-Za-z0-9_-]{22,43}|EAAA[A-Za-z0-9_-]{60}"),
  token("Telegram token", "\\d{8,10}:[A-Za-z0-9_-]{35}"),
  token("Discord token", "[MNO][A-Za-z0-9_-]{23,25}\\.[A-Za-z0-9_-]{6}\\.[A-Za-z0-9_-]{27,38}"),
  token("Databricks token", "dapi[0-9a-f]{32}(?:-\\d)?"),
  token("New Relic key", "NRAK-[A-Z0-9]{27}|NRJS-[a-f0-9]{19}"),
  token("Grafana token", "glsa_[A-Za-z0-9]{32}_[0-9a-f]{8}|glc_[A-Za-z0-9+/=]{32,250}"),
  token("Vault token", "hv[sbr]\\.[A-Za-z0-9_-]{24,250}"),
  token("Terraform token", "[A-Za-z0-9]{14}\\.atlasv1\\.[A-Za-z0-9_-]{60,70}"),
  token("Linear key", "lin_(?:api|oauth)_[A-Za-z0-9]{32,64}"),
  token("Notion token", "ntn_[A-Za-z0-9]{40,50}|secret_[A-Za-z0-9]{43}"),
  token("Postman key", "PMAK-[0-9a-f]{24}-[0-9a-f]{34}"),
  token("PlanetScale token", "pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.-]{32,64}"),
  token("Doppler token", "dp\\.(?:pt|st|ct|sa)\\.[A-Za-z0-9.]{40,70}"),
  token("Figma token", "fig[dor]_[A-Za-z0-9_-]{36,60}"),
  token("Sentry token", "sntry[su]_[A-Za-z0-9+/=_-]{40,250}"),
  token("Atlassian token", "ATATT3[A-Za-z0-9_=-]{50,250}"),
  token("Airtable token", "pat[A-Za-z0-9]{14}\\.[0-9a-f]{64}"),
  token("age key", "AGE-SECRET-KEY-1[A-Z0-9]{58}"),
  token("Docker token", "dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,60}"),
  token("Supabase key", "sb[pr]_[A-Za-z0-9]{36,60}|sb_secret_[A-Za-z0-9_-]{20,60}"),
  token("Azure key", "[A-Za-z0-9_~.]{3}\\dQ~[A-Za-z0-9_~.-]{31,34}"),
  token("JWT", "eyJ[A-Za-z0-9_-]{8,2000}\\.[A-Za-z0-9_-]{8,4000}\\.[A-Za-z0-9_-]{0,1000}"),
];

const NO_SECRET =
  /^(?:null|none|nil|undefined|true|false|string|number|boolean|str|int|text|required|optional|missing|invalid|expired|empty|unknown|redacted|hidden|changeme|secret|password|token|value|example|\*+|x+|\.+|<.*|\$.*|%.*|\{.*|process\.env.*|os\.environ.*)$/i;
const MIXED = /(?=.*[A-Za-z])(?=.*\d)|(?=.*[a-z])(?=.*[^\w\s])|(?=.*\d)(?=.*[^\w\s])/;
const VALUE = String.raw`(?<value>(?!\[redacted)[^\s"'\u0060,;()<>{}\\]{6,500})`;
const QUOTE = String.raw`\\{0,3}["'\u0060]?`;

/** A value is a secret because of the name it is given, or of the scheme that it follows. */
const NAMED: readonly SecretPattern[] = [
  {
    kind: "private key",
    pattern:
      /-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----(?:[A-Za-z0-9+/=\s\\:,.]|-(?!-)){0,20000}(?:-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----)?/g,
  },
  {
    kind: "credentials in a URL",
    pattern: /(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{1,20}:\/\/(?<value>(?!\[redacted)[^\s:@/?#"'<>]{0,100}:[^\s@/"'<>]{1,200})@/gi,
    isReal: (value) => !/^[^:]*:(?:\*+|<.*|\$.*|\{.*)$/.test(value),
  },
  {
    kind: "bearer token",
    pattern: /(?<![\w-])(?:Bearer|Basic|Token|ApiKey|AccessKey)\s{1,3}(?<value>(?!\[redacted)[A-Za-z0-9._~+/=-]{16,2000})/gi,
    isReal: (value) =>
      MIXED.test(value) && (/\d/.test(value) || /[A-Z].*[a-z].*[A-Z]|=$/.test(value)) && !/^[a-z]+(?:[-/.][a-z]+)*$/i.test(value),
  },
  {
    kind: "password",
    pattern: new RegExp(
      String.raw`(?<![A-Za-z])(?:password|passwd|passphrase|passwort|contraseña|pwd|pass)${QUOTE}\s{0,3}(?:[:=]{1,2}>?|\bis\b|-p\b)\s{0,3}${QUOTE}${VALUE}`,
      "gi",
    ),
    // "the password is required" is a sentence, PASSWORD=required might be a password but nobody's.
    isReal: (value) => !NO_SECRET.test(value) && MIXED.test(value.replace(/[.:!?]+$/, "")),
  },
  {
    kind: "secret",
    pattern: new RegExp(
      String.raw`(?<![A-Za-z])(?:api[_-]?key|apikey|secret(?:[_-]?(?:access[_-]?)?key)?|client[_-]?secret|access[_-]?(?:key|token)|auth[_-]?(?:key|token)|session[_-]?(?:key|token|id)|refresh[_-]?token|id[_-]?token|signing[_-]?(?:key|secret)|encryption[_-]?key|private[_-]?key|AccountKey|SharedAccessKey|x-api-key|token|credential|sig)${QUOTE}\s{0,3}[:=]{1,2}>?\s{0,3}${QUOTE}(?<value>(?!\[redacted)[^\s"'\u0060,;()<>{}\\&]{8,500})`,
      "gi",
    ),
    isReal: (value) => !NO_SECRET.test(value) && /[A-Za-z]/.test(value) && /\d/.test(value) && !/^[\w-]+\.[a-z_]+[([]?/i.test(value),
  },
  {
    kind: "cookie",
    pattern: /(?<![\w-])(?:set-)?cookie:\s{0,3}(?<value>(?!\[redacted)[^\s=;]{1,100}=[^\s;]{8,2000})/gi,
  },
];

const PERSONAL: readonly SecretPattern[] = [
  { kind: "e-mail", pattern: /(?<![\w.+-])[\w.+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![\w-])/g },
  {
    kind: "IBAN",
    pattern: /(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])/g,
    isReal: isIban,
  },
  { kind: "card number", pattern: /(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w-])/g, isReal: isCard },
  { kind: "social security number", pattern: /(?<![\w.-])(?!000|666|9\d\d)\d{3}-(?!00)\d\d-(?!0000)\d{4}(?![\w-])/g },
  { kind: "insurance number", pattern: /(?<![A-Za-z0-9])[A-CEGHJ-PR-TW-Z]{2} ?\d\d ?\d\d ?\d\d ?[A-D](?![A-Za-z0-9])/g },
  {
    kind: "phone number",
    pattern: /(?<![\w.+-])\+[1-9]\d{0,2}(?:[ .-]?\(?\d{1,4}\)?){2,6}(?![\w])/g,
    isReal: (value) => {
      const digits = value.replace(/\D/g, "").length;
      return digits >= 9 && digits <= 15;
    },
  },
  { kind: "phone number", pattern: /(?<![\w.+-])(?:1[-. ])?(?:\(\d{3}\) ?|\d{3}[-. ])\d{3}[-. ]\d{4}(?![\w-])/g },
  {
    kind: "phone number",
    pattern:
      /(?<![\w])(?:phone|tel|telephone|mobile|cell|fax|whatsapp|handy|telefon)\b[^\d\n]{0,15}(?<value>\(?0\d[\d ()/.-]{6,16}\d)(?![\w])/gi,
  },
];

/** What opens a door, without what only tells about a person. */
export const CREDENTIAL_PATTERNS: readonly SecretPattern[] = [...NAMED.slice(0, 2), ...ISSUED, ...NAMED.slice(2)];

/** In the order in which they are looked for: what has a form of its own before what only its name gives away. */
export const SECRET_PATTERNS: readonly SecretPattern[] = [...CREDENTIAL_PATTERNS, ...PERSONAL];

/**
 * The beginnings of keys, cut short or in the wrong case, and any value at all behind the name of a secret. Too wide to take text out by: "password: required"
 * is one. Right where a person is asked to look.
 */
export const CREDENTIAL_SHAPES: readonly SecretPattern[] = [
  { kind: "AWS key", pattern: /\bAKIA[0-9A-Z]{16}\b/gi },
  { kind: "API key", pattern: /\bsk-[A-Za-z0-9_-]{16,250}/gi },
  { kind: "GitHub token", pattern: /\bgh[pousr]_[A-Za-z0-9]{20,255}/gi },
  { kind: "Slack token", pattern: /\bxox[abps]-[A-Za-z0-9-]{10,250}/gi },
  { kind: "private key", pattern: /-----BEGIN [A-Z ]{0,20}PRIVATE KEY/gi },
  { kind: "secret", pattern: /\b(?:password|passwd|pwd|secret|api[_-]?key|token)\s*[:=]\s*['"]?[^\s'"]{6,500}/gi },
  { kind: "JWT", pattern: /\beyJ[A-Za-z0-9_-]{10,2000}\.[A-Za-z0-9_-]{10,4000}\./gi },
];

/** ISO 13616: the number moved and spelt in digits leaves 1 when divided by 97. */
function isIban(text: string): boolean {
  const compact = text.replace(/ /g, "");
  if (compact.length < 15 || compact.length > 34) return false;
  let rest = 0;
  for (const character of `${compact.slice(4)}${compact.slice(0, 4)}`) {
    const value = Number.parseInt(character, 36);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest === 1;
}

/** A number of a known network with its check digit (ISO/IEC 7812, Luhn). A tenth of all numbers have that by chance, so the network counts too. */
function isCard(text: string): boolean {
  const digits = text.replace(/\D/g, "");
  if (
    !/^(?:4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|6(?:011|5\d\d|4[4-9]\d)\d{12}|35\d{14})$/.test(
      digits,
    )
  )
    return false;
  let sum = 0;
  for (let place = 0; place < digits.length; place += 1) {
    const digit = Number(digits[digits.length - 1 - place]);
    const doubled = place % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}
