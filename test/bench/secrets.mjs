/** Secrets and personal data of the forms that issuers document, made up from a seed, and strings that look like them and are none. */
const LOWER = "abcdefghijklmnopqrstuvwxyz";
const DIGITS = "0123456789";
const HEX = "0123456789abcdef";
const ALNUM = `${LOWER}${LOWER.toUpperCase()}${DIGITS}`;
const URLSAFE = `${ALNUM}-_`;

export function createSecrets(random) {
  const of = (alphabet, length) => Array.from({ length }, () => alphabet[Math.floor(random() * alphabet.length)]).join("");
  const pick = (list) => list[Math.floor(random() * list.length)];
  const key = (length) => `${of(ALNUM, length - 2)}a7`;
  const upper = LOWER.toUpperCase() + DIGITS;
  const kinds = {
    "aws id": () => `AKIA${of(upper, 16)}`,
    "aws secret": () => ["aws_secret_access_key = ", `${of(ALNUM, 39)}4`, ""],
    openai: () => `sk-proj-${of(URLSAFE, 46)}9A`,
    anthropic: () => `sk-ant-api03-${of(URLSAFE, 90)}AA`,
    "github classic": () => `ghp_${of(ALNUM, 36)}`,
    "github fine": () => `github_pat_${of(ALNUM, 22)}_${of(ALNUM, 59)}`,
    gitlab: () => `glpat-${of(URLSAFE, 19)}x`,
    slack: () => `xoxb-${of(DIGITS, 12)}-${of(DIGITS, 12)}-${of(ALNUM, 24)}`,
    "slack hook": () => `https://hooks.slack.com/services/T${of(upper, 8)}/B${of(upper, 8)}/${of(ALNUM, 24)}`,
    stripe: () => `sk_live_${of(ALNUM, 24)}`,
    "stripe hook": () => `whsec_${of(ALNUM, 32)}`,
    google: () => `AIza${of(URLSAFE, 34)}Z`,
    "google oauth": () => `GOCSPX-${of(URLSAFE, 27)}Q`,
    sendgrid: () => `SG.${of(URLSAFE, 22)}.${of(URLSAFE, 42)}k`,
    twilio: () => `SK${of(HEX, 32)}`,
    mailgun: () => `key-${of(HEX, 32)}`,
    mailchimp: () => `${of(HEX, 32)}-us${1 + Math.floor(random() * 20)}`,
    npm: () => `npm_${of(ALNUM, 36)}`,
    pypi: () => `pypi-AgEIcHlwaS5vcmc${of(URLSAFE, 80)}B`,
    huggingface: () => `hf_${of(ALNUM, 34)}`,
    digitalocean: () => `dop_v1_${of(HEX, 64)}`,
    shopify: () => `shpat_${of(HEX, 32)}`,
    square: () => `sq0atp-${of(URLSAFE, 21)}w`,
    telegram: () => `${1 + Math.floor(random() * 9)}${of(DIGITS, 8)}:${of(URLSAFE, 34)}c`,
    databricks: () => `dapi${of(HEX, 32)}`,
    "new relic": () => `NRAK-${of(upper, 27)}`,
    grafana: () => `glsa_${of(ALNUM, 32)}_${of(HEX, 8)}`,
    vault: () => `hvs.${of(URLSAFE, 29)}r`,
    linear: () => `lin_api_${of(ALNUM, 40)}`,
    notion: () => `ntn_${of(ALNUM, 46)}`,
    postman: () => `PMAK-${of(HEX, 24)}-${of(HEX, 34)}`,
    planetscale: () => `pscale_tkn_${of(ALNUM, 43)}`,
    doppler: () => `dp.pt.${of(ALNUM, 43)}`,
    sentry: () => `sntrys_${of(ALNUM, 60)}`,
    airtable: () => `pat${of(ALNUM, 14)}.${of(HEX, 64)}`,
    groq: () => `gsk_${of(ALNUM, 52)}`,
    docker: () => `dckr_pat_${of(URLSAFE, 26)}v`,
    jwt: () => `eyJ${of(URLSAFE, 33)}.eyJ${of(URLSAFE, 80)}.${of(URLSAFE, 43)}`,
    "private key": () =>
      `-----BEGIN RSA PRIVATE KEY-----\n${of(ALNUM, 64)}\n${of(ALNUM, 64)}\n${of(ALNUM, 30)}==\n-----END RSA PRIVATE KEY-----`,
    postgres: () => ["postgres://app:", key(14), "@db:5432/shop"],
    mongodb: () => ["mongodb+srv://root:", key(18), "@cluster0/test"],
    redis: () => ["redis://:", key(20), "@cache:6379/0"],
    "storage key": () => ["AccountName=depot;AccountKey=", `${of(ALNUM, 85)}7==`, ";EndpointSuffix=core"],
    bearer: () => ["Authorization: Bearer ", key(40), ""],
    basic: () => ["Authorization: Basic ", Buffer.from(`admin:${key(12)}`).toString("base64"), ""],
    "password line": () => ["password=", `${of(ALNUM, 8)}!7b`, ""],
    "password json": () => ['{"user":"ann","password":"', `${of(ALNUM, 9)}4z`, '"}'],
    "api key header": () => ["X-Api-Key: ", key(32), ""],
    "client secret": () => ["client_secret: ", key(32), ""],
    "e-mail": () => `${of(LOWER, 6)}.${of(LOWER, 8)}@${of(LOWER, 7)}.${pick(["com", "org", "de", "co.uk"])}`,
    "phone, international": () => `+49 ${pick(["30", "151", "89"])} ${of(DIGITS, 4)} ${of(DIGITS, 4)}`,
    "phone, american": () =>
      `(${2 + Math.floor(random() * 7)}${of(DIGITS, 2)}) ${2 + Math.floor(random() * 7)}${of(DIGITS, 2)}-${of(DIGITS, 4)}`,
    iban: () => iban("DE", of(DIGITS, 18)),
    card: () => luhn(`4${of(DIGITS, 14)}`),
    "card, spaced": () => luhn(`55${of(DIGITS, 13)}`).replace(/(\d{4})(?=\d)/g, "$1 "),
    ssn: () => `${100 + Math.floor(random() * 500)}-${10 + Math.floor(random() * 89)}-${1000 + Math.floor(random() * 8999)}`,
  };
  const names = Object.keys(kinds);
  return {
    kinds: names,
    /** The n-th: `{ kind, secret, text }`, the text with the secret in it. */
    secret(n) {
      const kind = names[n % names.length];
      const made = kinds[kind]();
      const [before, secret, after] = typeof made === "string" ? ["", made, ""] : made;
      return { kind, secret, text: `${before}${secret}${after}` };
    },
    /** The n-th string that is none. */
    benign(n) {
      const word = () => of(LOWER, 3 + Math.floor(random() * 7));
      const makers = [
        () => `${of(HEX, 8)}-${of(HEX, 4)}-4${of(HEX, 3)}-a${of(HEX, 3)}-${of(HEX, 12)}`,
        () => `trace ${of(HEX, 32)} span ${of(HEX, 16)}`,
        () => `commit ${of(HEX, 40)}`,
        () => `sha256:${of(HEX, 64)}`,
        () =>
          `2026-${10 + Math.floor(random() * 3)}-${10 + Math.floor(random() * 18)}T12:${10 + Math.floor(random() * 49)}:00.${of(DIGITS, 6)}Z`,
        () => `order ${of(DIGITS, 12)} has ${of(DIGITS, 2)} lines`,
        () => `SELECT ${word()}_id, max(${word()}) FROM ${word()} WHERE ${word()} = '${word()}' LIMIT ${of(DIGITS, 3)}`,
        () => `https://docs.${word()}.com/${word()}/${word()}?page=${of(DIGITS, 2)}#${word()}`,
        () => `/home/${word()}/${word()}/${word()}.${pick(["ts", "py", "json"])}:${of(DIGITS, 3)}:${of(DIGITS, 2)}`,
        () => `${word()} version ${of(DIGITS, 1)}.${of(DIGITS, 2)}.${of(DIGITS, 1)} needs node >= 20`,
        () => `max_tokens=${of(DIGITS, 4)} temperature=0.${of(DIGITS, 1)} top_p=1`,
        () => `{"token": null, "password": "string", "api_key": "<your key>"}`,
        () => `password: required, at least ${of(DIGITS, 2)} characters`,
        () => `const token = await getToken(${word()}); const secret = process.env.${word().toUpperCase()}_SECRET;`,
        () => `the access token is missing or has expired (${of(DIGITS, 3)})`,
        () => `10.${of(DIGITS, 2)}.${1 + Math.floor(random() * 200)}.7:${of(DIGITS, 4)} answered in ${of(DIGITS, 3)} ms`,
        () => `total ${of(DIGITS, 5)}.${of(DIGITS, 2)} EUR, tax ${of(DIGITS, 3)}.${of(DIGITS, 2)}`,
        () => `${of(DIGITS, 16)} ns since ${of(DIGITS, 10)}`,
        () => `data-${word()}-${word()}-${word()} and ${word()}-${word()}-${of(DIGITS, 4)}`,
        () => `${word()} ${word()} ${word()}, ${word()} ${word()} ${word()} ${word()} ${word()}.`,
        () => `call lookup({"${word()}": "${word()}", "limit": ${of(DIGITS, 2)}, "cursor": "${of(ALNUM, 16)}"})`,
        () => `ISBN 978-${of(DIGITS, 1)}-${of(DIGITS, 4)}-${of(DIGITS, 4)}-${of(DIGITS, 1)}, article ${of(upper, 3)}-${of(DIGITS, 5)}`,
        () => `@${word()}/${word()}@${of(DIGITS, 1)}.${of(DIGITS, 1)}.${of(DIGITS, 1)} and import ${word()} from "${word()}"`,
        () => `session ${of(ALNUM, 20)} of conversation conv_${of(ALNUM, 24)}`,
        () => `basic ${word()} ${word()} with a bearer of ${word()} news; token ${word()}`,
      ];
      return makers[n % makers.length]();
    },
  };
}

function luhn(body) {
  let sum = 0;
  for (let place = 0; place < body.length; place += 1) {
    const digit = Number(body[body.length - 1 - place]);
    const doubled = place % 2 === 0 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return `${body}${(10 - (sum % 10)) % 10}`;
}

function iban(country, account) {
  const spelt = [...`${account}${country}00`].map((character) => Number.parseInt(character, 36)).join("");
  return `${country}${String(98n - (BigInt(spelt) % 97n)).padStart(2, "0")}${account}`;
}
