import { format, inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { isLearnError } from "../../../src/base/error.ts";
import { describeConfig } from "../../../src/config/describe-config.ts";
import { type LoadConfigOptions, loadConfig } from "../../../src/config/load-config.ts";
import { MAX_STORED_BYTES } from "../../../src/span/otlp/decode-body.ts";

function problemsOf(options: Partial<LoadConfigOptions>): string[] {
  try {
    loadConfig({ env: {}, ...options });
  } catch (caught) {
    if (isLearnError(caught) && caught.code === "invalid")
      return caught.message
        .split("\n")
        .slice(1)
        .map((line) => line.trim());
    throw caught;
  }
  return [];
}

describe("loadConfig", () => {
  test("has a default for everything that needs one", () => {
    expect(loadConfig({ env: {} })).toEqual({
      store: "file:./.agentlearn/agentlearn.db",
      online: "off",
      onlineShare: 0.1,
      onlineMaxRuns: 500,
      onlineMaxCandidates: 3,
      onlineWaitMs: 600_000,
      withholdProbability: 0.1,
      injector: "smart",
      canaryShare: 0.05,
      baggage: "on",
      controlShare: 0,
      maxItems: 10,
      maxTokens: 1500,
      maxPinned: 20,
      gate: "default",
      alpha: 0.05,
      effectAlpha: 0.05,
      minimumGain: 0.05,
      hibernateDays: 0,
      judge: "off",
      judgeShare: 1,
      passScore: 0.7,
      confirmReplicates: 11,
      maxRounds: 16,
      concurrency: 4,
      activation: "approval",
      safetyCases: "on",
      lessonScope: "narrow",
      analyzer: "llm",
      quietMs: 10_000,
      idleMs: 60_000,
      learnEveryMs: 60_000,
      learnWithModelEveryMs: 0,
      rawRetentionDays: 7,
      traceRetentionDays: 0,
      host: "127.0.0.1",
      otlpHttpPort: 4318,
      otlpGrpcPort: 4317,
      apiPort: 4320,
      allowOpenBind: false,
      maxBodyBytes: 67_108_864,
      model: "gpt-4o-mini",
      modelOutputTokens: 8_192,
      modelTimeoutMs: 60_000,
    });
  });

  test("takes alpha from the named gate, unless alpha itself is given anywhere", () => {
    const alphas = (["strict", "default", "reference80"] as const).map((gate) => loadConfig({ env: {}, code: { gate } }).alpha);
    expect(alphas).toEqual([0.01, 0.05, 0.2]);
    expect(loadConfig({ env: { AGENTLEARN_ALPHA: "0.05" }, code: { gate: "reference80" } }).alpha).toBe(0.05);
  });

  // The preset that loosens the gate called live items harmful at 20 % too, and took them out of use.
  test("no gate touches the level of live effects, nor does alpha", () => {
    const levels = (["strict", "default", "reference80"] as const).map((gate) => loadConfig({ env: {}, code: { gate } }).effectAlpha);
    expect([...levels, loadConfig({ env: {}, code: { alpha: 0.2 } }).effectAlpha]).toEqual([0.05, 0.05, 0.05, 0.05]);
    expect(loadConfig({ env: { AGENTLEARN_EFFECT_ALPHA: "0.01" }, code: { gate: "reference80" } })).toMatchObject({
      alpha: 0.2,
      effectAlpha: 0.01,
    });
    expect(() => loadConfig({ env: { AGENTLEARN_GATE: "lax" } })).toThrow('must be "strict", "default" or "reference80"');
  });

  test("takes flags before the environment before code before defaults", () => {
    const env = { AGENTLEARN_MAX_ITEMS: "2", AGENTLEARN_MAX_TOKENS: "200" };
    const config = loadConfig({ flags: { maxItems: "1" }, env, code: { maxItems: 3, maxTokens: 300, maxPinned: 4 } });
    expect(config).toMatchObject({ maxItems: 1, maxTokens: 200, maxPinned: 4, passScore: 0.7 });
  });

  test("reads a number from text also where there is no default", () => {
    expect(loadConfig({ env: { AGENTLEARN_BUDGET_USD_PER_DAY: "0.5" }, flags: { budgetCallsPerCycle: "3" } })).toMatchObject({
      budgetUsdPerDay: 0.5,
      budgetCallsPerCycle: 3,
    });
  });

  test("takes OPENAI_* where neither our own variable nor code says anything", () => {
    const env = { OPENAI_API_KEY: "shared", OPENAI_BASE_URL: "http://localhost:1234/v1" };
    expect(loadConfig({ env })).toMatchObject({ openaiApiKey: "shared", openaiBaseUrl: "http://localhost:1234/v1" });
    expect(loadConfig({ env, code: { openaiApiKey: "code" } }).openaiApiKey).toBe("code");
    expect(loadConfig({ env: { ...env, AGENTLEARN_OPENAI_API_KEY: "own" }, code: { openaiApiKey: "code" } }).openaiApiKey).toBe("own");
  });

  test("counts an empty variable and an undefined option as not given", () => {
    expect(loadConfig({ flags: { maxItems: undefined }, env: { AGENTLEARN_MAX_ITEMS: " " }, code: { maxItems: undefined } }).maxItems).toBe(
      10,
    );
  });

  test("ignores the variables of others", () => {
    expect(problemsOf({ env: { PATH: "/bin", AGENT: "x" } })).toEqual([]);
  });

  test("lists every problem at once, each with where it came from", () => {
    const problems = problemsOf({
      flags: { apiPort: "eighty", nonsense: true },
      env: { AGENTLEARN_WITHHOLD_PROBABILITY: "1", AGENTLEARN_MAX_ITMES: "5", AGENTLEARN_STORE: "./plain.db" },
      code: { maxTokens: "many", activation: "always", model: 4, otlpHttpPort: 70_000 },
    });
    expect(problems.sort()).toEqual(
      [
        "--api-port: must be a number",
        "--nonsense: there is no such setting",
        "AGENTLEARN_WITHHOLD_PROBABILITY: must be below 1",
        "AGENTLEARN_MAX_ITMES: there is no such setting, did you mean maxItems?",
        "AGENTLEARN_STORE: must start with file:, libsql://, http(s):// or ws(s)://, for example file:./agentlearn.db",
        "option maxTokens: must be a number",
        'option activation: must be "approval", "evidence" or "evidence-untrusted"',
        "option model: must be text",
        "option otlpHttpPort: must be from 0 to 65535",
      ].sort(),
    );
  });

  test("does not take numbers that only look like some", () => {
    for (const text of ["0x10", "1,000", "10ms", "Infinity", "NaN", "1e"]) {
      expect(problemsOf({ env: { AGENTLEARN_MAX_ITEMS: text } })).toEqual(["AGENTLEARN_MAX_ITEMS: must be a number"]);
    }
  });

  test("does not take text for a number from code", () => {
    expect(problemsOf({ code: { maxItems: "5" } })).toEqual(["option maxItems: must be a number"]);
  });

  test("never quotes a value, since it may be a key", () => {
    expect(problemsOf({ code: { openaiApiKey: { secret: "sk-123" }, openaiBaseUrl: "sk-456" } }).join()).not.toContain("sk-");
  });

  test.each(["file:./a.db", "file:/tmp/a.db", "libsql://db.example.com", "http://127.0.0.1:8080", "wss://db.example.com"])(
    "takes the store %s",
    (store) => {
      expect(loadConfig({ env: {}, code: { store } }).store).toBe(store);
    },
  );

  test("reads true and false from text, and nothing that only looks like them", () => {
    const read = (text: string) => loadConfig({ env: { AGENTLEARN_ALLOW_OPEN_BIND: text } }).allowOpenBind;
    expect(["true", "TRUE", "1", "false", "0"].map(read)).toEqual([true, true, true, false, false]);
    for (const text of ["yes", "2", "truee"])
      expect(problemsOf({ env: { AGENTLEARN_ALLOW_OPEN_BIND: text } })).toEqual(["AGENTLEARN_ALLOW_OPEN_BIND: must be true or false"]);
    expect(problemsOf({ code: { allowOpenBind: "true" } })).toEqual(["option allowOpenBind: must be true or false"]);
    expect(loadConfig({ env: {}, flags: { allowOpenBind: true } }).allowOpenBind).toBe(true);
  });

  test("shows no secret when it is printed, and still holds it", () => {
    const config = loadConfig({ env: { AGENTLEARN_TOKEN: "s3cret" }, code: { openaiApiKey: "sk-123" } });
    for (const shown of [JSON.stringify(config), inspect(config), inspect({ config }), format("%o", config)]) {
      expect(shown).not.toMatch(/s3cret|sk-123/);
      expect(shown).toContain("[hidden]");
    }
    expect([config.token, config.openaiApiKey]).toEqual(["s3cret", "sk-123"]);
    expect(loadConfig({ env: {}, code: { ...config } })).toEqual(config);
  });

  test.each(["a b", "a\nb", "a\r\nX: y", "ü"])("refuses a token that no header can carry, without quoting it: %j", (token) => {
    expect(problemsOf({ code: { token } })).toEqual(["option token: must be ASCII without spaces"]);
  });

  test.each(["*", "https://app.example", "http://localhost:3000, https://app.example:8443", "chrome-extension://abc"])(
    "takes the origins %s",
    (corsOrigins) => expect(loadConfig({ env: {}, code: { corsOrigins } }).corsOrigins).toBe(corsOrigins),
  );

  test.each(["app.example", "https://app.example/", "https://app.example/path", "https://a.example,,", "https://"])(
    "refuses the origins %s",
    (corsOrigins) => expect(problemsOf({ code: { corsOrigins } })).toHaveLength(1),
  );

  test("lets a receiver take no more than what can be mapped afterwards", () => {
    expect(loadConfig({ env: { AGENTLEARN_MAX_BODY_BYTES: String(MAX_STORED_BYTES) } }).maxBodyBytes).toBe(MAX_STORED_BYTES);
    expect(problemsOf({ code: { maxBodyBytes: MAX_STORED_BYTES + 1 } })).toHaveLength(1);
  });

  test("gives a frozen object", () => {
    expect(Object.isFrozen(loadConfig({ env: {} }))).toBe(true);
  });
});

describe("describeConfig", () => {
  test("describes every setting and names its variable", () => {
    const rows = describeConfig();
    expect(rows.length).toBeGreaterThan(20);
    expect(rows.filter((row) => row.description === "")).toEqual([]);
    expect(rows.find((row) => row.key === "withholdProbability")).toEqual({
      key: "withholdProbability",
      env: "AGENTLEARN_WITHHOLD_PROBABILITY",
      flag: "--withhold-probability",
      default: "0.1",
      description: "Share of the runs in which each eligible item is held back, so that its effect can be measured.",
    });
    expect(rows.find((row) => row.key === "openaiApiKey")).toMatchObject({ env: "AGENTLEARN_OPENAI_API_KEY", default: "" });
  });

  test("names variables that loadConfig reads, with defaults that it takes", () => {
    for (const row of describeConfig()) {
      if (row.default === "") continue;
      const config = loadConfig({ env: { [row.env]: row.default } });
      expect(String(config[row.key])).toBe(row.default);
    }
  });
});
